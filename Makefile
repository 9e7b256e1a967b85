# Two commands matter: `make ask Q="…"` and `make test`. Both do all the set-up they need.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
Q      ?= Where are citations verified?
CORPUS ?= .
SOURCES ?=

.DEFAULT_GOAL := help
.PHONY: help setup ask test check format bench accuracy evals clients live lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/'

setup: $(VENV)/.ready  ## the virtual environment, from the hash-locked requirements

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "rlm-mcp needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "setting up $(VENV) (first time: a minute or two)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . >&2
	@touch $@

ask: setup  ## answer a question about this repository: make ask Q="Where are citations verified?"
	@$(BIN)/rlm-mcp ask "$(CORPUS)" "$(Q)"

test: check  ## everything that must hold before a commit: check, then all tests that need no key
	$(BIN)/python -m pytest -m "not client and not live" -n 2

check: setup  ## format, lint, types, import directions, sizes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/house/sizes.py

format: setup  ## let the formatter and the linter mend what they can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup  ## the figures of docs/benchmarks.md
	$(BIN)/python tests/bench/run.py

evals: setup  ## the engine under a root that makes no mistakes: the figures of docs/evals.md
	$(BIN)/python -m tests.evals.run

accuracy: setup  ## the tables of docs/accuracy.md: make accuracy SOURCES=folder (see tests/accuracy/run.py)
	$(BIN)/python tests/accuracy/run.py $(SOURCES)

clients: setup  ## the real agent clients, where they are installed
	$(BIN)/python -m pytest -m client

live: setup  ## tests that need keys and the network
	$(BIN)/python -m pytest -m live

lock: setup  ## resolve requirements.lock anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --group dev pyproject.toml -o requirements.lock

clean:  ## forget the environment and the caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
