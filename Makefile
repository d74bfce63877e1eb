# Two commands do everything on a fresh machine: `make demo` and `make test`.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.10 python3,$(if $(shell $(name) --version 2>/dev/null),$(name))))
VENV ?= .venv
BIN = $(VENV)/bin
DEMO = runs/demo
# Two tests run at a time on two cores, so one thread each.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest

.PHONY: demo test test-long test-nosim check format lint types bench pictures clean

demo: $(VENV)/.demo
	$(BIN)/python scripts/train_online.py --out $(DEMO) $(if $(wildcard $(DEMO)/settings.json),--resume)

test: $(VENV)/.test
	$(PYTEST) -n 2 -m "not long"

test-long: $(VENV)/.test
	$(PYTEST) -n 2

# Under a Python that PyBullet has no wheels for: all tests but those that simulate.
test-nosim: PYTHON = $(firstword $(foreach name,python3.13 python3.12,$(if $(shell $(name) --version 2>/dev/null),$(name))))
test-nosim:
	@test -n "$(PYTHON)" || { echo "error: no Python 3.12 or 3.13 found; name one: make test-nosim PYTHON=..."; exit 2; }
	$(MAKE) test PYTHON="$(PYTHON)" VENV=.venv-nosim

check: $(VENV)/.test format lint types test

format: $(VENV)/.test
	$(BIN)/ruff format --check .

lint: $(VENV)/.test
	$(BIN)/ruff check .

types: $(VENV)/.test
	$(BIN)/mypy

bench: $(VENV)/.test
	$(BIN)/python scripts/bench.py sim

pictures: demo $(VENV)/.pictures
	$(BIN)/python scripts/view.py toys --out docs/toys.png --per-category 5 --image-size 64 --columns 4
	$(BIN)/python scripts/view.py concepts --out docs/concepts
	$(BIN)/python scripts/view.py play --out docs/play.gif --number 11 --image-size 200
	$(BIN)/python scripts/view.py play --out docs/push.gif --play push --number 28 --image-size 200
	$(BIN)/python scripts/view.py play --out docs/topple.gif --play topple --number 21 --image-size 200
	$(BIN)/python scripts/view.py play --out docs/grasp.gif --play grasp --arm panda --object-size 0.08 --number 18 --image-size 200
	$(BIN)/python scripts/robustness.py --episodes 20 --out docs/robustness.png
	$(BIN)/python scripts/view.py curve --run $(DEMO) --out docs/curve.png
	$(BIN)/python scripts/view.py watch --out docs/watch.png

clean:
	rm -rf $(VENV) .venv-nosim build *.egg-info

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "error: no Python found: 3.10 or 3.11 is needed"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.test: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@ $(VENV)/.demo

$(VENV)/.pictures: $(VENV)/.demo
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[pictures]"
	touch $@
