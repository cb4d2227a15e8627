# Everything a developer or operator runs. `make run` and `make test` need only python3 (>= 3.11), make and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: run test check install install-dev bench lock clean help

help: ## what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: install ## serve on 127.0.0.1:4600, with .env if there is one (ARGS="--port 4700" passes options)
	@if [ -f .env ]; then set -a; . ./.env; set +a; fi; exec $(BIN)/sidestep serve --demo-without-keys $(ARGS)

install: $(VENV)/.run ## .venv with the locked run-time requirements; .venv/bin/sidestep works after it

test: install-dev ## set-up and every test
	$(BIN)/python -m pytest $(ARGS)

check: install-dev ## ruff, mypy, import-linter
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install-dev: $(VENV)/.dev

bench: install-dev ## the figures of docs/performance.md
	$(BIN)/python -m tests.bench $(ARGS)

$(VENV)/.run: requirements/run.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

lock: install-dev ## resolve the requirements anew, with hashes
	cd requirements && for set in run dev; do CUSTOM_COMPILE_COMMAND="make lock" ../$(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file $$set.txt $$set.in; done

clean: ## remove what the above made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
