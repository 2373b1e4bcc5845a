# The same targets by hand and in CI. Needs Python 3.11 or newer and an internet connection to PyPI.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/pip install --quiet --constraint constraints.txt --editable

.PHONY: help demo test integration simulations lint types docs plots format clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/'

demo: $(VENV)/.demo  ## fine-tune MiniLM on the embedded sample and look at the result
	$(BIN)/imdb-sentiment demo

test: $(VENV)/.test  ## the tests that take a moment each
	$(BIN)/pytest

integration: $(VENV)/.test  ## those that take seconds: real MiniLM, browser, documentation, Ray, several trainings
	$(BIN)/pytest -m "integration and not simulation"

simulations: $(VENV)/.test  ## what is tried hundreds of times: coverage of intervals, kills at many moments
	$(BIN)/pytest -m simulation --timeout 3600

lint: $(VENV)/.lint  ## style and common mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.lint $(VENV)/.test  ## strict type check
	$(BIN)/mypy

docs: $(VENV)/.docs  ## build the documentation into site/, strictly, with both builders; the site of mkdocs stays
	$(BIN)/python -m zensical build --strict --clean
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

plots: $(VENV)/.test  ## draw the plots of the results page
	$(BIN)/python benchmarks/plots.py

format: $(VENV)/.lint  ## put the code into the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove what the targets made
	rm -rf $(VENV) site .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) '.[demo]'
	touch $@

$(VENV)/.test $(VENV)/.lint $(VENV)/.docs: $(VENV)/.%: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) '.[demo,$*]'
	touch $@
