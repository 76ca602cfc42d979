# Everything a fresh Debian machine needs is set up by the targets themselves.
VENV   := .venv
PYTHON := $(VENV)/bin/python
# The tools of the virtual environment, never those of the machine.
BIN    := $(VENV)/bin
ARGS   ?=
# The kernel of demo-kernel; the first that is there.
KERNEL ?= /usr/src/linux-source-*.tar.xz
SOURCES := patchbot checks kernel-sim tests tools benchmarks

.DEFAULT_GOAL := help
.PHONY: help demo demo-kernel test lint types contracts unit format bench matrix clean
.PHONY: setup-demo setup-demo-kernel setup-test

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup-demo ## set up, then review the bundled threads (no network, no kernel)
	@$(BIN)/patchbot demo $(ARGS)

demo-kernel: setup-demo-kernel ## set up, then review the lab's series on a real kernel (no network)
	@set -- $(KERNEL); $(BIN)/patchbot lab --review --source "$$1" $(ARGS)

test: setup-test ## set up, then every check and test (as CI does)
	@$(MAKE) --no-print-directory lint types contracts
	@echo '== pytest' >&2
	@$(PYTHON) -m pytest -q -n auto --dist loadgroup --cov --cov-report=term $(ARGS)

lint:
	@echo '== ruff' >&2
	@$(BIN)/ruff check --quiet $(SOURCES)
	@$(BIN)/ruff format --quiet --diff $(SOURCES)

types:
	@echo '== mypy' >&2
	@$(BIN)/mypy --no-error-summary

contracts:
	@echo '== import contracts' >&2
	@out=$$($(BIN)/lint-imports 2>&1) || { printf '%s\n' "$$out"; exit 1; }

unit: setup-test ## the quick tests only
	@$(PYTHON) -m pytest -q -n auto tests/unit $(ARGS)

format: setup-test ## rewrite the Python files in the house format
	@$(BIN)/ruff check --quiet --fix $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

bench: setup-test ## print the benchmark ratios
	@$(PYTHON) -m benchmarks $(ARGS)

matrix: setup-test ## print every seeded fault against every scenario, on Debian's kernel
	@$(PYTHON) -m tools.fault_matrix $(ARGS)

clean: ## remove the virtual environment and everything generated
	@rm -rf $(VENV) .venv.lock dist build .pytest_cache .mypy_cache .ruff_cache \
		.import_linter_cache .hypothesis .coverage .coverage.* htmlcov
	@find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

setup-demo:
	@bash tools/setup.sh demo

setup-demo-kernel:
	@bash tools/setup.sh demo-kernel

setup-test:
	@bash tools/setup.sh test
