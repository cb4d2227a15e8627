# Everything a developer or operator runs. `make run` and `make test` need only python3 (>= 3.11), make and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FRAMEWORKS := .venv-frameworks
ARGS ?=

.PHONY: run drill test test-recorded estimates test-frameworks matrix docs check install install-dev bench instructions soak overload experiment budgets fuzz lock lock-frameworks clean help

help: ## what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: install ## serve on 127.0.0.1:4600, with .env if there is one (ARGS="--port 4700" passes options)
	@if [ -f .env ]; then set -a; . ./.env; set +a; fi; exec $(BIN)/sidestep serve --demo-without-keys $(ARGS)

drill: install ## a fault in front of the example configuration, offline; ARGS="--all" for every fault
	@$(BIN)/sidestep drill --offline --config config.toml $(ARGS)

install: $(VENV)/.run ## .venv with the locked run-time requirements; .venv/bin/sidestep works after it

test: install-dev ## set-up and every test
	@$(BIN)/python -m compileall -q proxy translators
	$(BIN)/python -m pytest -p tests.dealing -n 3 --max-worker-restart 0 $(ARGS)

test-recorded: install-dev ## every recorded exchange of SIDESTEP_RECORDED across every pair of dialects, as a table
	$(BIN)/python -m tests.recorded $(ARGS)

test-frameworks: $(FRAMEWORKS)/.done ## agents of LangChain, pydantic-ai, instructor, OpenAI and Vercel through the proxy
	$(FRAMEWORKS)/bin/python -m pytest tests/e2e/matrix/frameworks $(ARGS)

matrix: install-dev ## every fault in every state of the breaker at every pair of dialects (ARGS="cut 503" for some)
	$(BIN)/python -m tests.faults $(ARGS)

estimates: install-dev ## how far estimates of tokens are from counts, over the texts of SIDESTEP_RECORDED
	$(BIN)/python -m tests.recorded.estimates

docs: install-dev ## the table of fields in docs/translation.md
	$(BIN)/python -m tests.docs.fields

check: install-dev ## ruff, mypy, import-linter
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install-dev: $(VENV)/.dev

bench: install-dev ## the figures of docs/performance.md
	$(BIN)/python -m tests.bench $(ARGS)

instructions: install-dev ## instructions of a request and of a chunk, under valgrind (ARGS="unary budgets" for some)
	$(BIN)/python -m tests.bench.instructions $(ARGS)

fuzz: $(VENV)/.fuzz ## a minute of made-up bytes for each parser (ARGS="--seconds N --target NAME")
	$(BIN)/python -m tests.fuzz $(ARGS)

soak: install-dev ## half of the capacity with faults for 5 minutes: leaks, drift, clients' errors (ARGS="--minutes 60")
	$(BIN)/python -m tests.soak soak $(ARGS)

overload: install-dev ## three times the capacity for a minute: what is served, shed, and how soon all is well again
	$(BIN)/python -m tests.soak overload $(ARGS)

experiment: install-dev ## the shares of an experiment over 20,000 requests through a real proxy, a minute
	$(BIN)/python -m tests.shares $(ARGS)

budgets: install-dev ## budgets of real processes under load, kills and a Redis that fails: some minutes (ARGS="exactly redis" for some)
	$(BIN)/python -m tests.budgets $(ARGS)

$(VENV)/.run: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is not Python 3.11 or later: name one that is, as in make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.fuzz: $(VENV)/.dev requirements/fuzz.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	@touch $@

# The frameworks' own environment, and the packages for Node where npm can install them.
$(FRAMEWORKS)/.done: requirements/frameworks.txt pyproject.toml tests/e2e/matrix/frameworks/node/package-lock.json
	@test -x $(FRAMEWORKS)/bin/python || $(PYTHON) -m venv $(FRAMEWORKS)
	$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/frameworks.txt
	$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@if command -v npm >/dev/null; then npm ci --prefix tests/e2e/matrix/frameworks/node --no-audit --no-fund --ignore-scripts --loglevel error || echo "npm failed: the tests of Vercel's AI SDK are skipped"; fi
	@touch $@

lock: install-dev ## resolve the requirements anew, with hashes
	cd requirements && for set in run redis vertex dev fuzz; do CUSTOM_COMPILE_COMMAND="make lock" ../$(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file $$set.txt $$set.in; done

# uv takes seconds where pip-compile takes many minutes for this set; it is part of the set.
lock-frameworks: $(FRAMEWORKS)/.done ## the same for the frameworks
	cd requirements && UV_CUSTOM_COMPILE_COMMAND="make lock-frameworks" ../$(FRAMEWORKS)/bin/uv pip compile --quiet --upgrade --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links --output-file frameworks.txt frameworks.in

clean: ## remove what the above made
	rm -rf $(VENV) $(FRAMEWORKS) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz
