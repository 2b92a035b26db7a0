# Every command makes what it needs in .venv first, so that a clean clone with python3, git
# and make is enough. The servers that tests need are started by the tests.

PYTHON    ?= python3
DATABASE  ?=
MINUTES   ?= 10
# The versions that are installed; PINS= for the newest.
PINS      ?= constraints.txt
# Most tests wait more than they compute, so a few more processes than cores are right.
PROCESSES ?= 4

BIN     := .venv/bin
PIP     := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALL := $(PIP) install $(if $(PINS),--constraint $(PINS))
CHECKED := $(wildcard src tests servers examples benchmarks)

.DEFAULT_GOAL := help
.PHONY: help demo screenshots test tests check style types mypy pyright docs bench soak audit pins clean

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: .venv/demo  ## run the main job, on SQLite or DATABASE=postgresql://…
	@$(BIN)/proletarian demo $(DATABASE)

test: style  ## run everything: style, types, docs, tests on four databases
	@$(MAKE) --no-print-directory --jobs=2 tests types docs

tests: .venv/all  # types and docs are looked at in the meantime
	@$(BIN)/pytest -n $(PROCESSES) --dist worksteal

check: style types  ## look at style and types only

style: .venv/all
	@$(BIN)/ruff format --check $(CHECKED)
	@$(BIN)/ruff check $(CHECKED)

types: mypy pyright

mypy: .venv/all
	@$(BIN)/mypy $(CHECKED)

pyright: .venv/all
	@$(BIN)/pyright --pythonpath $(BIN)/python

docs: .venv/all  ## build the documentation in docs/_build/html
	@$(BIN)/sphinx-build -W --keep-going -q docs docs/_build/html

bench: .venv/all  ## measure speed, beside peers
	@$(BIN)/python -m benchmarks

screenshots: .venv/all  ## take the pictures of the dashboard for README and documentation
	@$(BIN)/python -m tests.web.screenshots

soak: .venv/all  ## hurt everything at random, for MINUTES=… on each database
	@PROLETARIAN_SOAK_MINUTES=$(MINUTES) $(BIN)/pytest tests/faults -k soak

audit: .venv/all  ## look for known vulnerabilities in the pinned versions; asks pypi.org
	@$(PIP) install --group audit
	@$(BIN)/pip-audit --strict --disable-pip --no-deps --requirement constraints.txt

pins:  ## note the newest versions in constraints.txt, and try that every Python can have them
	@$(MAKE) --always-make PINS= .venv/all
	@{ sed '/^[^#]/,$$d' constraints.txt; $(BIN)/pip freeze --exclude-editable; } >.venv/pins
	@mv .venv/pins constraints.txt
	@$(BIN)/pytest -q tests/project/test_pins.py || { \
	    echo "A version above is too new for a Python that the library is for: take an older one of it." >&2; exit 1; }

clean:  ## remove what these commands have made
	rm -rf .venv dist build docs/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The virtual environment; its stamps say what has been installed in it, and when.

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "This needs Python 3.11 or newer, and '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)." >&2; \
	    echo "Name another one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	    package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        echo "Installing $$package, which virtual environments need."; \
	        apt-get -qq update && apt-get -qq -y install $$package >/dev/null; \
	    else \
	        echo "Virtual environments need one more package: sudo apt-get install $$package" >&2; exit 1; \
	    fi; }
	@$(PYTHON) -m venv --clear .venv
	@$(PIP) install --upgrade 'pip>=25.1'
	@touch $@

.venv/demo: .venv/made pyproject.toml $(PINS)
	@echo "Installing in .venv …"
	@$(INSTALL) -e '.[postgresql,mysql,demo,web]'
	@touch $@

.venv/all: .venv/made pyproject.toml $(PINS)
	@echo "Installing in .venv, with what tests and documentation need …"
	@$(INSTALL) -e '.[postgresql,mysql,web,demo]' --group test --group check --group docs
	@$(INSTALL) --group compiled >/dev/null 2>&1 || \
	    echo "Without mysqlclient and mariadb, which need gcc, pkg-config, python3-dev and libmariadb-dev: their tests are skipped."
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        echo "Installing chromium, in which the dashboard is clicked through."; \
	        { apt-get -qq update && apt-get -qq -y install --no-install-recommends chromium; } >/dev/null; \
	    fi; } || echo "Without Chromium the dashboard's tests in a browser are skipped."
	@touch $@ .venv/demo
