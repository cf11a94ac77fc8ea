# `make demo` and `make test` need only Python 3.11+ and git; both set up .venv first.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: help install test lint format demo bench fuzz pocket pocket-ship pocket-smoke docs clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(STAMP): constraints.txt pyproject.toml Makefile
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sosie needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,doctor,judge,web]'
	touch $@

install: $(STAMP)  ## set up .venv from constraints.txt

test: $(STAMP)  ## the tests, fast and slow
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto

lint: $(STAMP)  ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)  ## put the code into its usual form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: $(STAMP)  ## the main job on the embedded base, with a synthetic person
	$(BIN)/python -m demo

bench: $(STAMP)  ## print the figures of docs/benchmarks.md
	$(BIN)/python -m bench

SECONDS ?= 60
fuzz: $(STAMP)  ## throw bytes at whatever reads strangers' files, SECONDS at each door, on from last time
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[fuzz]'
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

pocket: $(STAMP)  ## train the embedded base model from nothing, in a folder of its own
	$(BIN)/python -m pocket.build

pocket-ship: $(STAMP)  ## put what was trained, and judged, in place of the base that ships
	$(BIN)/python -m pocket.ship

pocket-smoke: $(STAMP)  ## prove that recipe in under a minute
	$(BIN)/python -m pocket.build --smoke

docs: $(STAMP)  ## print command help and tables into docs/
	$(BIN)/python -m docs.make

clean:
	rm -rf .venv build dist
