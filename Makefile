# The two commands of a newcomer are `make run` and `make test`; both set up what they need.
.DEFAULT_GOAL := help
.PHONY: help install run quick test lint types unit properties integration coverage gates stack fuzz mutants bench costs load soak report assurance docs package advisories lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Measuring coverage doubles the time of what is measured, so that CI does it, and `make coverage`.
MEASURE ?= $(CI)
MEASURED := $(if $(MEASURE),--cov --cov-report=)

help: ## show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1|/' | column -t -s '|'

install: $(STAMP) ## make the virtual environment, from the lock file

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Gatebook needs Python 3.11 or newer: name one with PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: install ## start the local stack with a tour; Ctrl-C stops it
	@$(BIN)/gatebook up

quick: install lint ## while you edit: style, unit tests, vectors, rules of the tree; under a minute
	$(BIN)/pytest -q -n auto tests/unit tests/conformance tests/judges tests/architecture

test: install lint types unit properties integration $(if $(MEASURE),gates) stack ## before you push: all tests; CI raises their counts and holds the coverage

lint: install ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install ## types
	$(BIN)/mypy

unit: install ## core, vectors, rules of the tree
	@rm -f .coverage.unit*
	COVERAGE_FILE=.coverage.unit $(BIN)/pytest -q -n auto tests/unit tests/conformance tests/judges tests/architecture $(MEASURED)

properties: install ## random documents, tokens and requests against slow and obvious judges
	$(BIN)/pytest -q -n auto tests/properties

integration: install ## table, service, authorizer and command against moto; templates
	@rm -f .coverage.integration*
	COVERAGE_FILE=.coverage.integration $(BIN)/pytest -q -n auto tests/integration tests/performance tests/infrastructure -m 'not stack' $(MEASURED)

coverage: install ## what unit and integration tests run: all of the authorizer, 95 % of the admin API; CI does it
	$(MAKE) MEASURE=1 unit integration gates

gates: install
	$(BIN)/coverage combine --quiet --keep .coverage.unit .coverage.integration
	$(BIN)/coverage report --include='authorizer/*' --fail-under=100
	$(BIN)/coverage report --include='admin_api/*' --fail-under=95

stack: install ## the local stack end to end, the console in a real browser
	$(BIN)/pytest -q tests/stack tests/console -m stack

fuzz: install ## random permissions, mutated tokens and mutated events on all cores for MINUTES (10), with counts
	$(BIN)/python -m tests.tools.fuzz --minutes $(or $(MINUTES),10)

mutants: install ## break compiler and matcher on purpose; each mutant must be noticed
	$(BIN)/python -m tests.tools.mutants

bench: install ## what it costs, as ratios, beside others: renew docs/performance.md (four minutes; AWS_SAMPLE=its lambda.py for AWS's sample)
	$(BIN)/python -m tests.benchmarks.bench --out docs/performance.md $(if $(AWS_SAMPLE),--aws-sample $(AWS_SAMPLE))

costs: install ## renew docs/costs.md and its picture: what requests cost and what a load needs (half a minute)
	$(BIN)/python -m tests.benchmarks.costs --out docs/costs.md

load: install ## what a local stack of its own answers to 1, 20, 50 and 200 clients (three minutes)
	$(BIN)/python -m tests.benchmarks.load $(if $(OUT),--out $(OUT))

soak: install ## a hundred thousand callers in each cache scope; memory must stay (half an hour)
	$(BIN)/python -m tests.performance.soak

report: install ## renew docs/token-scope.md from the catalogues in the folder CATALOGUES
	$(BIN)/python -m tests.performance.token_scope_report --catalogues $(CATALOGUES) --out docs/token-scope.md

assurance: install ## renew docs/assurance.md: how many cases, mutants, faults and races there are
	$(BIN)/python -m tests.tools.assurance --out docs/assurance.md

docs: install ## the pages of docs/ as a site with search, in build/site
	$(BIN)/python -m tests.tools.site

package: install ## the two Lambda artefacts, in build/, with what they are made of and their hashes (SIGNING_KEY=a private SSH key signs these)
	$(BIN)/python -m infra.package $(if $(SIGNING_KEY),--signing-key $(SIGNING_KEY))

advisories: install ## read anew what is known against the packages of the lock files, and audit them (DATABASE=a zip or folder of OSV records)
	$(BIN)/python -m infra.supply_chain.advisories --renew $(if $(DATABASE),--database $(DATABASE))

lock: install ## renew the lock files
	$(BIN)/pip-compile --quiet --upgrade --extra admin,cli,local,test,bench,lock,docs --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options -o requirements-dev.lock pyproject.toml
	$(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options -c requirements-dev.lock -o requirements-authorizer.lock pyproject.toml
	$(BIN)/pip-compile --quiet --upgrade --extra admin --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options -c requirements-dev.lock -o requirements-admin.lock pyproject.toml

clean: ## remove what the commands above made, but not the local stack's state
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .coverage* .hypothesis
