# Each target is a line over pytest or python -m; README shows the plain commands beside them.
TARGET ?= hwayo
PYTHON ?= python3
PY = .venv/bin/python

.PHONY: setup gate test check lab bench clean

setup:
	@$(PYTHON) -m fixtures.bootstrap

gate: setup
	$(PY) -m pytest suites --target $(TARGET) $(ARGS)

test: setup
	$(PY) -m pytest tests $(ARGS)

check: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

lab: setup
	$(PY) -m fixtures.lab up --system $(TARGET) $(ARGS)

bench: setup
	$(PY) -m tests.bench $(ARGS)

clean:
	rm -rf .venv .tools .lab reports/runs
