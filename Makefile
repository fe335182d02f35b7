# Everything is set up on first use; a target that has nothing to do starts at once.
#
#   make demo [ONCE=1]   a server, a sample repository and one pipeline, to look at
#   make test            all tests; says what was left out and why, a failure with CI=true
#   make check           format, lint, types, import layers
#   make bench           one JSON object a line, each value beside its floor
#   make soak            the long runs at full size
#   make serve [ARGS=…]  a server on port 8400
#   make fmt | lock | clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Hashes make the index that serves a file irrelevant; no host is written down anywhere.
LOCKED := $(PIP) install --require-hashes
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-find-links --no-emit-index-url $(if $(UPGRADE),--upgrade)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check fmt serve bench soak lock clean

help:
	@sed -n '/^#   make/s/^#   //p' Makefile

demo: $(VENV)/.run
	@$(BIN)/roundel demo $(if $(ONCE),--once)

# One process for each core, up to four; each starts an engine and a PostgreSQL of its own.
# pytest's closing line stays the last one.
test: $(VENV)/.dev
	@sh tools/system-packages test
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONPATH=src $(BIN)/lint-imports --cache-dir .cache/import-linter

fmt: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

serve: $(VENV)/.run
	@exec $(BIN)/roundel serve $(ARGS)

bench: $(VENV)/.dev
	@sh tools/system-packages bench
	@$(BIN)/python -m bench $(ARGS)

soak: $(VENV)/.dev
	@sh tools/system-packages test
	@ROUNDEL_SOAK=1 $(BIN)/python -m pytest --timeout 7200 $(ARGS)

lock:
	$(COMPILE) --extra dev pyproject.toml requirements/build.in -o requirements/dev.lock
	$(COMPILE) -c requirements/dev.lock pyproject.toml requirements/build.in -o requirements/run.lock
	$(COMPILE) -c requirements/dev.lock requirements/runner.in requirements/build.in -o requirements/runner.lock

clean:
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist build
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@sh tools/make-venv $(PYTHON) $(VENV)

# The package goes in editable, built by the hatchling of the lock: no second, unpinned download.
$(VENV)/.run: requirements/run.lock pyproject.toml | $(BIN)/python
	@test -f $(VENV)/.dev || { echo "installing what Roundel needs into $(VENV)"; $(LOCKED) -r requirements/run.lock; }
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.lock pyproject.toml | $(BIN)/python
	@echo "installing what tests and checks need into $(VENV)"
	@$(LOCKED) -r requirements/dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.run
