# Everything a checkout needs is set up by the target that needs it, inside .venv.
# PYTHON=/path/to/python names the interpreter; ARGS=... is handed to the demo or to pytest.

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# Stories wait more than they work: three share two cores well.
WORKERS ?= 3

# The first of these that is really there and really 3.11 or newer (a pyenv shim may be neither).
CANDIDATES := $(if $(PYTHON),"$(PYTHON)",python3.13 python3.12 python3.11 python3.14 python3)
IS_RECENT := import sys; sys.exit(sys.version_info < (3, 11))
FOUND_PYTHON = $(shell for p in $(CANDIDATES); do \
	if "$$p" -c '$(IS_RECENT)' >/dev/null 2>&1; then command -v "$$p"; break; fi; done)
HAS_VENV = $(shell "$(1)" -c 'import ensurepip, venv' >/dev/null 2>&1 && echo yes)

NO_GIT := git is missing: install it (Debian, Ubuntu: apt-get install git; macOS: xcode-select --install)
NO_PYTHON := $(if $(PYTHON),PYTHON=$(PYTHON) is not a Python 3.11 or newer: name another,no Python 3.11 or newer was found: install one (Debian, Ubuntu: apt-get install python3 python3-venv) or name it with PYTHON=/path/to/python3)
NO_VENV = $(1) has no venv module: install it (Debian, Ubuntu: apt-get install python3-venv) or name another Python with PYTHON=/path/to/python3
NO_UV := uv is missing: "make lock" resolves with it; install uv and try again

need = $(if $(1),,$(error $(2)))

.DEFAULT_GOAL := help
.PHONY: help demo test proof lock clean which-python

help: ## show this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.ready ## a story against a simulated Octopus (ARGS=--once ends after it)
	@$(BIN)/reconciler demo $(ARGS)

test: $(VENV)/.ready-dev ## style, types, the import contract and the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not proof" $(ARGS)

proof: $(VENV)/.ready-dev ## the slow proofs (crash sweeps, fuzz, scale), then the benchmarks
	$(BIN)/pytest -n 2 --dist worksteal -m proof --ignore=tests/benchmarks $(ARGS)
	@if [ -d tests/benchmarks ]; then set -x; $(BIN)/pytest -n 0 -s tests/benchmarks $(ARGS); fi

lock: ## resolve the locks anew; UPGRADE=--upgrade takes the newest of everything
	@:$(call need,$(shell command -v uv),$(NO_UV))
	uv pip compile $(LOCK_FLAGS) $(UPGRADE) --extra backend \
		--output-file requirements.lock pyproject.toml
	uv pip compile $(LOCK_FLAGS) $(UPGRADE) --extra backend --extra quality --extra test \
		--constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

which-python:
	@:$(call need,$(FOUND_PYTHON),$(NO_PYTHON))
	@echo "$(FOUND_PYTHON): $$("$(FOUND_PYTHON)" --version)"

clean: ## remove .venv, caches and build results
	rm -rf $(VENV) build dist .benchmarks .hypothesis .import_linter_cache .mypy_cache
	rm -rf .pytest_cache .ruff_cache
	find reconciler tests -type d -name __pycache__ -prune -exec rm -rf {} +

LOCK_FLAGS := --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links

$(VENV)/.ready: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the locked packages into $(VENV) ..."
	@$(call install,requirements.lock)
	@touch $@

$(VENV)/.ready-dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "Installing the locked packages and the tools of development into $(VENV) ..."
	@$(call install,requirements-dev.lock)
	@touch $@ $(VENV)/.ready

# Packages by hash only; then the project itself, editable, with the build backend of the lock.
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
install = $(PIP) install --require-hashes -r $(1) \
	&& $(PIP) install --no-deps --no-build-isolation --no-index --editable . \
	|| { echo "The packages of $(1) could not be installed; pip says why above. Try again with: make $(MAKECMDGOALS)" >&2; exit 1; }

$(BIN)/python:
	@:$(call need,$(shell command -v git),$(NO_GIT))
	@:$(call need,$(FOUND_PYTHON),$(NO_PYTHON))
	@:$(call need,$(call HAS_VENV,$(FOUND_PYTHON)),$(call NO_VENV,$(FOUND_PYTHON)))
	@echo "Making $(VENV) with $(FOUND_PYTHON) ..."
	@"$(FOUND_PYTHON)" -m venv --clear $(VENV)
