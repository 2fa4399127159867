# `make up` and `make test` are all the set-up there is; each makes the environment in .venv by itself.
.DEFAULT_GOAL := help
SHELL := /bin/bash
# where it is set, each of the hundreds of processes of the tests compiles every module that it imports
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=

help: ## Lists the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

$(READY): requirements.lock pyproject.toml deploy/make_environment.sh
	@deploy/make_environment.sh $(VENV)
	@touch $@

env: $(READY) ## Makes or renews the environment in .venv.

up: env ## Starts everything; ARGS="--port 50151 --no-dashboard" passes options on.
	@exec $(BIN)/batterytwin up $(ARGS)

# three processes for two cores: many tests wait for a process or a server to start
PROCESSES := $(shell n=$$(nproc); n=$$((n + n / 2)); echo $$((n < 6 ? n : 6)))

PARALLEL := -n $(PROCESSES) --dist loadfile --no-loadscope-reorder
# a browser beside two other heavy tests may not draw a page for a minute
ALONE := tests/streamlit_app/test_browser.py

test: env ## Runs every test, three processes for two cores (ARGS="-m 'not slow'" for the quick ones).
ifeq ($(strip $(ARGS)),)
	@$(BIN)/python -m pytest -q $(ALONE)
	@$(BIN)/python -m pytest $(PARALLEL) --ignore=$(ALONE)
else
	@$(BIN)/python -m pytest $(PARALLEL) $(ARGS)
endif

lint: env ## Style, formatting.
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: env ## Static types, strict.
	@$(BIN)/mypy .

imports: env ## Who may import whom.
	@$(BIN)/lint-imports

protos: env ## Regenerates the committed code of the API.
	@PYTHON=../$(BIN)/python protos/generate.sh

protos-check: env ## Lints the API, looks for breaking changes and for generated code that is out of date.
	@PYTHON=$(BIN)/python deploy/check_protos.sh

smoke: env ## Installs the wheel on every other Python >= 3.11 found here (ARGS=newest: on one) and starts the server with it.
	@deploy/smoke_other_pythons.sh $(ARGS)

static: env ## Everything but the tests, side by side, what takes longest first.
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target smoke types lint imports protos-check ARGS=newest

check: static ## What CI runs: everything.
	@$(MAKE) --no-print-directory test

bench: env ## Speed and memory, about 40 minutes; ARGS="--only ingest" runs a part; the last line is BENCH {json}.
	@$(BIN)/python -m tests.bench $(ARGS)

peers: env ## The same readings into other databases and a plain service, those that are installed; the last line is PEERS {json}.
	@$(BIN)/python -m tests.benchmarks.peers $(ARGS)

validate: env ## Accuracy against measured and simulated batteries, <= 20 minutes; the last line is VALIDATE {json}.
	@$(BIN)/python -m tests.validation $(ARGS)

train: env ## Trains the shipped model of remaining life from nothing, <= 10 minutes; ARGS=FOLDER writes it elsewhere.
	@$(BIN)/batterytwin train $(or $(ARGS),ml/default_model)

chaos: env ## Faults under load, <= 60 minutes; the last line is CHAOS {json}.
	@$(BIN)/python -m tests.chaos $(ARGS)

lock: env ## Renews requirements.lock from pyproject.toml.
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --no-header --group dev --quiet pyproject.toml -o requirements.lock

clean: ## Removes the environment and caches (never the data directory).
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build

.PHONY: help env up test lint types imports protos protos-check smoke static check bench peers validate train chaos lock clean
