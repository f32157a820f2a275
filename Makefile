# Needs a POSIX shell and Python 3.11 or later with venv; everything else is installed into .uv and .venv.

UV_VERSION := 0.13.9
UV := .uv/$(UV_VERSION)/bin/uv
PYTHON := .venv/bin/python
LOCK := uv.lock pyproject.toml
PACKAGES := warren api agents streams stores topology
# Most tests wait more than they work.
PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder

export UV_PYTHON_DOWNLOADS := never
# Tests start many processes, and each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help demo dataset test test-quick coverage lint audit format bench bench-orders prove prove-points prove-chaos prove-outage prove-edge prove-brokers prove-replay prove-shop prove-mutants prove-guards servers clean

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

demo: .venv/.runtime ## Start the whole shop in this process, with nothing else to install
	@exec .venv/bin/warren demo $(ARGS)

dataset: .venv/.runtime ## Install the year of real orders that `warren replay` reads
	@$(UV) sync --frozen --no-default-groups --group dataset --inexact

test: export INSTALL := 1
test: lint ## Install what is missing (servers too), then check and test everything
	@$(PYTHON) -m tests.servers install
	WARREN_TEST_REQUIRE_SERVERS=1 $(PYTHON) -m tests.servers run -- $(PYTHON) -m pytest --cov $(PARALLEL) $(ARGS)
	@$(MAKE) --no-print-directory coverage

test-quick: .venv/.dev ## Run the tests that need no server
	$(PYTHON) -m pytest -m "not servers" $(PARALLEL) $(ARGS)

coverage: .venv/.dev ## Of what `make test` has run: fail where services are tested too little, or a decision has an untested branch
	$(PYTHON) -m coverage report --fail-under 90 --include 'agents/*'
	$(PYTHON) -m coverage report --fail-under 100 --include 'agents/*/rules.py,agents/*/rules/*'

lint: .venv/.dev ## Check imports, style and types
	.venv/bin/lint-imports --no-logo
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy .
	.venv/bin/bandit --quiet --configfile pyproject.toml --severity-level medium --recursive $(PACKAGES)

audit: .venv/.dev ## Look for packages with known vulnerabilities; asks PyPI, and fails where that does not know of one of them
	@$(UV) export --quiet --frozen --all-groups --all-extras --no-emit-project --output-file .venv/audited.txt
	.venv/bin/pip-audit --strict --disable-pip --requirement .venv/audited.txt

format: .venv/.dev ## Format the code and mend what can be mended by itself
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench: .venv/.dev ## Measure, on servers of its own (ARGS are the benchmarks' options)
	@$(PYTHON) -m tests.servers run -- $(PYTHON) -m benchmarks $(ARGS)

bench-orders: .venv/.dev ## Measure what a whole order costs each process, on servers of its own (ARGS="--profile orders")
	@$(PYTHON) -m benchmarks.whole_orders $(ARGS)

prove: prove-points prove-chaos prove-outage prove-edge prove-brokers prove-replay prove-shop prove-mutants ## Show on real servers that every event counts once: about two hours

prove-points: .venv/.dev ## Strike workers at every crash point in every way (ARGS="commit.after stop")
	@$(PYTHON) -m tests.prove.matrix $(ARGS)

prove-chaos: .venv/.dev ## Strike everything for a quarter of an hour (ARGS="--seed 7")
	@$(PYTHON) -m tests.prove.chaos $(ARGS)

prove-outage: .venv/.dev ## Take RabbitMQ away for a minute, and fill it, under HTTP traffic (ARGS="--seconds 5")
	@$(PYTHON) -m tests.prove.outage $(ARGS)

prove-edge: .venv/.dev ## Send the edge a gigabyte, watching its memory, and kill it under load, again and again
	@$(PYTHON) -m tests.prove.upload $(ARGS)
	@$(PYTHON) -m tests.prove.killed_edge

prove-brokers: .venv/.dev ## Test what is promised of RabbitMQ on 4.0 and 4.3, from Debian's packages; needs root (ARGS=sid)
	@$(PYTHON) -m tests.prove.brokers $(ARGS)

prove-replay: .venv/.dev ## Replay all 155,848 orders, whole and with everything killed: about an hour (ARGS="embedded --orders 9000")
	@$(PYTHON) -m tests.replay.prove $(ARGS)

prove-shop: .venv/.dev ## Live, simulate and strike the shop over 50,000 orders, every invariant checked (ARGS="life --lives 5")
	@$(PYTHON) -m tests.shop.prove $(ARGS)

prove-guards: .venv/.dev ## Take away what keeps attackers out, guard by guard, and see that it is noticed: ten minutes (ARGS="token")
	@$(PYTHON) -m tests.prove.mutants --guards $(ARGS)

prove-mutants: .venv/.dev ## Break the engine in every way we know, and see that it is noticed: minutes (ARGS="fence")
	@$(PYTHON) -m tests.prove.mutants $(ARGS)

servers: .venv/.dev ## Start the servers of the tests and print where they are, until Ctrl-C
	@$(PYTHON) -m tests.servers serve

clean: ## Remove the environment and all caches (the data in .warren stays)
	rm -rf .uv .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment is up to date as long as its stamp is newer than the lock file. The runtime is part of every environment,
# and taking it up leaves the rest alone, so `make demo` works in a developer's environment and keeps it.
.venv/.runtime: $(LOCK) | .venv/bin/python
	@$(UV) sync --frozen --no-default-groups --inexact
	@touch $@

.venv/.dev: $(LOCK) | .venv/bin/python
	@$(UV) sync --frozen
	@touch .venv/.runtime $@

.venv/bin/python: | $(UV)
	@$(UV) venv --quiet --python .uv/$(UV_VERSION)/bin/python .venv

$(UV):
	@python=$$(sh .ci/python) && "$$python" -m venv .uv/$(UV_VERSION)
	@.uv/$(UV_VERSION)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
