# Every recipe runs on a bare machine: it makes .venv first (hash-locked), then does its work.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test test-sqlite test-pg check format e2e sim soak bench crash mutants openapi lock runtime dev

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
BIN := .venv/bin
DB ?=
ARGS ?=

help: ## list the recipes
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1 - \2/p' Makefile

runtime:
	@$(PYTHON) -c '' 2>/dev/null || { echo 'tradeops: needs Python 3.11: install python3.11.' >&2; exit 1; }
	@$(PYTHON) tradeops/launch/venv.py runtime

dev:
	@$(PYTHON) -c '' 2>/dev/null || { echo 'tradeops: needs Python 3.11: install python3.11.' >&2; exit 1; }
	@$(PYTHON) tradeops/launch/venv.py dev

run: runtime ## start everything (DB=pg: with PostgreSQL instead of SQLite), Ctrl-C ends it
	@exec $(BIN)/python -m tradeops.launch --db "$(DB)" $(ARGS)

test: test-sqlite test-pg ## the whole suite on SQLite, then what uses the database on PostgreSQL

# Half of the suite waits for processes: more workers than cores.
PARALLEL := -n 5 --dist loadfile --no-loadscope-reorder

test-sqlite: dev
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

test-pg: dev
	TRADEOPS_TEST_DB=pg $(BIN)/python -m pytest $(PARALLEL) $(ARGS)

check: dev ## format, lint, types, import contracts, migrations, deploy checks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	DJANGO_SETTINGS_MODULE=tradeops.settings.test $(BIN)/python manage.py makemigrations --check --dry-run
	DJANGO_SETTINGS_MODULE=tradeops.settings.prod TRADEOPS_DOTENV=/dev/null ALLOWED_HOSTS=desk.example \
	SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') \
	AUTH_TOKEN=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(32))') \
	$(BIN)/python manage.py check --deploy --fail-level WARNING

format: dev ## rewrite the sources in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

e2e: dev ## the desk and the admin in headless Chromium
	$(BIN)/python -m pytest -m e2e $(ARGS) tests/e2e

SEEDS ?= 1000
SIMULATE := DJANGO_SETTINGS_MODULE=tradeops.settings.test $(BIN)/python manage.py simulate

sim: dev ## the whole desk under seeded faults, in memory (SEEDS=1000); some seeds twice
	$(SIMULATE) --seeds $(SEEDS) --repeat 40 $(ARGS)

soak: dev ## ten minutes of work on a venue that fails; ARGS="--minutes 2 --faults 10 --rate 5"
	$(BIN)/python -m tests.soak $(ARGS)

bench: dev ## the budgets of docs/performance.md, as a table and bench.json
	$(BIN)/python -m tests.bench $(ARGS)

crash: dev ## kill a worker at each crash point, judge what its successor makes (224 runs)
	$(BIN)/python -m tests.crash $(ARGS)

mutants: dev ## take each guard away, one at a time: a test must notice
	$(BIN)/python -m tests.mutants $(ARGS)

openapi: dev ## write openapi.json from the routes
	DJANGO_SETTINGS_MODULE=tradeops.settings.test $(BIN)/python manage.py export_openapi_schema --api tradeops.api.api --indent 2 --sorted --output openapi.json

lock: dev ## renew both lock files from pyproject.toml
	$(BIN)/uv pip compile --quiet --generate-hashes --no-annotate --no-header --no-emit-index-url -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --generate-hashes --no-annotate --no-header --no-emit-index-url --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml
