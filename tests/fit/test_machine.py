"""The machine is found as it is, and nothing heavy is imported to say so."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tunewell.errors import ConfigError
from tunewell.fit import machine


def test_what_is_asked_for_is_taken():
    found = machine.find("cpu", "float32", 1)
    assert (found.device, found.dtype, found.threads) == ("cpu", "float32", 1)


def test_what_is_not_asked_for_is_chosen():
    found = machine.find("cpu")
    assert 1 <= found.threads <= os.cpu_count()
    assert 2**20 < found.memory_bytes < 2**50
    flags = set(Path("/proc/cpuinfo").read_text().split()) if Path("/proc/cpuinfo").exists() else {}
    has_bfloat16 = bool({"avx512_bf16", "amx_bf16"} & set(flags))
    assert found.dtype == ("bfloat16" if has_bfloat16 else "float32")


def test_the_device_is_one_that_torch_can_use():
    import torch

    torch.zeros(1, device=machine.find().device)


@pytest.mark.parametrize(
    "options",
    [
        {"device": "tpu"},
        {"device": "cuda:99"},
        {"dtype": "float16"},
        {"threads": 0},
        {"threads": -1},
    ],
)
def test_what_there_is_not_is_told(options):
    with pytest.raises(ConfigError) as told:
        machine.find(**options)
    assert len(str(told.value).splitlines()) <= 3


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux can pin a process")
def test_threads_are_the_cores_that_this_process_may_use():
    script = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from tunewell.fit import machine; print(machine.available_threads())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "1", done.stderr


def test_a_limit_on_threads_in_the_environment_holds(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert machine.available_threads() == 1


def test_facts_are_json_and_name_what_decides_the_bits():
    facts = json.loads(json.dumps(machine.facts()))
    import torch
    import transformers

    assert facts["versions"]["torch"] == torch.__version__
    assert facts["versions"]["transformers"] == transformers.__version__
    assert facts["versions"].keys() >= {"tunewell", "peft", "accelerate"}
    assert facts["python"] == sys.version.split()[0]
    assert facts["processor"]
    assert facts["threads"] == machine.available_threads()


def test_quiet_is_set_before_anything_heavy_is_imported():
    script = """
import json, os, sys
from tunewell.fit import machine
os.environ["TOKENIZERS_PARALLELISM"] = "true"
machine.quiet()
heavy = {"torch", "transformers", "numpy", "psutil"} & set(sys.modules)
print(json.dumps([sorted(heavy), dict(os.environ)]))
"""
    bare = {k: v for k, v in os.environ.items() if k not in machine.QUIET}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=bare)
    heavy, environment = json.loads(done.stdout)
    assert heavy == []
    assert environment["OMP_WAIT_POLICY"] == "passive"
    assert environment["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] == "16"
    assert environment["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert environment["DO_NOT_TRACK"] == "1"
    assert environment["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert environment["TOKENIZERS_PARALLELISM"] == "true", "what the user set must stay"


def test_setting_up_gives_torch_the_threads():
    import torch

    before = torch.get_num_threads()
    machine.set_up(1)
    assert torch.get_num_threads() == 1
    machine.set_up(before)
