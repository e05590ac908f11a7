#!/bin/bash
# Fetch what benchmarks/gpu.py needs on a machine that has torch, transformers, peft,
# accelerate, scikit-learn, pyarrow, rich, jinja2, psutil and filelock, and no network:
#   bash benchmarks/gpu_wheels.sh FOLDER [PYTHON_VERSION]
# There: python -m pip install --no-index --no-deps --target SITE FOLDER/*.whl
# and then: PYTHONPATH=src:SITE python benchmarks/gpu.py
# Four wheels, 1.2 MB together, of which liger-kernel has 0.9.
set -e
folder=${1:?name a folder}
python=${PYTHON:-python3}
"$python" -m pip download --no-deps --only-binary=:all: \
  --python-version "${2:-3.12}" --implementation py --platform any --abi none -d "$folder" \
  tyro docstring_parser typeguard liger-kernel
du -ch "$folder"/*.whl | tail -n 5
