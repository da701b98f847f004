# Needs Linux, Python >= 3.11 and make. Everything is installed into .venv; nothing else is touched.
PYTHON ?= python3
BIN := .venv/bin
CODE := payments parsers schemas ledger settlement engine tools

.PHONY: help install demo test quick containers check bench docs clean

help: ## say what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

install: ## set up .venv from the lock file; nothing when nothing changed
	@command -v $(PYTHON) >/dev/null || { echo "make install: $(PYTHON) was not found; Python 3.11 or newer is needed" >&2; exit 1; }
	@$(PYTHON) tools/install.py

demo: install ## start the stack and show messages of all four families settle
	@$(BIN)/qenex demo

test: install ## run all tests, with Kafka and Postgres started for them
	@$(BIN)/pytest

quick: install ## run the tests that need no service: minutes, for while one works
	@$(BIN)/pytest -m 'not integration and not containers and not slow'

containers: install ## run the tests that need Docker, with an engine started for them where root finds none
	@START_DOCKERD=1 $(BIN)/pytest tests/containers

check: install ## format, lint, types, import rules, tests
	@$(BIN)/ruff format --check $(wildcard $(CODE)) tests
	@$(BIN)/ruff check $(wildcard $(CODE)) tests
	@$(BIN)/mypy $(wildcard $(CODE))
	@$(BIN)/lint-imports
	@$(BIN)/pytest

bench: install ## measure, beside peers on the same machine
	@$(BIN)/qenex bench parsers
	@$(BIN)/qenex bench ledger
	@$(BIN)/qenex bench pipeline

docs: install ## write docs/reference from the code
	@$(BIN)/python tools/docs.py

clean: ## stop the local stack, delete it, .venv and caches
	@if [ -x $(BIN)/qenex ]; then $(BIN)/qenex down --purge; fi
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
