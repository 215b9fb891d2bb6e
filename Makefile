# Each target is a line over pytest or python -m; README shows the plain commands beside them.
TARGET ?= hwayo
# The stages that decide. e2e, load, release and chaos run by themselves and join when they are known to hold still.
STAGES ?= preflight smoke
PYTHON ?= python3
PY = .venv/bin/python

.PHONY: setup gate baseline drill heal stop test test-long check lab bench clean

setup:
	@$(PYTHON) -m fixtures.bootstrap

gate: setup
	$(PY) -m pytest $(STAGES:%=suites/%) --target $(TARGET) $(ARGS)

baseline: setup
	$(PY) -m pytest suites/load --target $(TARGET) --baseline main $(ARGS)

# When each drill was last held, and which are overdue; ARGS=--due ends with 1 when any is.
drill: setup
	$(PY) -m scenarios.drills --target $(TARGET) $(ARGS)

# Faults that a run left behind, or is putting in: what the environment carries says how to take them out. And drills
# that were killed, the first of all: while a store is down, little else can be healed.
heal: setup
	@drills=0; $(PY) -m scenarios.drills heal --target $(TARGET) $(ARGS) || drills=$$?; \
	$(PY) -m scenarios.faults heal --target $(TARGET) $(ARGS) && exit $$drills

stop: setup
	$(PY) -m scenarios.faults stop --target $(TARGET) $(ARGS)

test: setup
	$(PY) -m pytest tests -p xdist -n 2 --no-loadscope-reorder -m "not long" $(ARGS)

# Every way in which load, release and chaos are broken: most of an hour.
test-long: setup
	$(PY) -m pytest tests -m long $(ARGS)

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
