# The few commands of this repository. Needs Python 3.11 or newer with venv and pip, and make.
#
#   make demo       the synthetic city, from its data to its public pages (no root, no system packages)
#   make test       every rule, every kind of failure; ends with a list of what was skipped
#   make check      style, floors, types and the quick guards
#   make campaign   NAME=tables: a test with a larger sample; NAME=sandbox: each hostile notebook by itself;
#                   NAME=kernels: 10,000 kills; NAME=verify: every edition of the made-up city computed again;
#                   NAME=crash: killed at every step, CRASH="--every 10 --minutes 20" for a sample
#   make lab        JupyterLab in this city, with the start notebook
#   make serve      the public pages and the dashboards on this machine
#   make bench      measurements
#   make format     write the code in the house's style
#   make docs       write the reference pages of commands and errors; render all pages to build/docs
#   make lock       resolve the dependencies anew
#   make clean      remove what is made from the rest; never var/

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
UV := $(BIN)/uv
STAMPS := .venv/stamps
LOCKED := requirements/runtime.lock requirements/build.lock pyproject.toml
PORT ?= 8000
DASHBOARDS_PORT ?= 8001
NAME ?=
SAMPLE ?= 10000
CRASH ?=
KILLS ?= 10000

# uv keeps what it fetched in the home folder; without a writable one, inside .venv.
HOMELESS := $(shell test -n "$$HOME" && test -d "$$HOME" && test -w "$$HOME" || echo yes)
ifeq ($(HOMELESS),yes)
export UV_CACHE_DIR := .venv/cache
export PIP_NO_CACHE_DIR := 1
endif
# Cities have certificates of their own: uv asks the system, as pip does.
export UV_SYSTEM_CERTS ?= 1
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Compiled once here; kernels write no bytecode, so each of them would compile pandas anew.
INSTALL := $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes

.PHONY: help demo test check campaign lab serve bench format docs lock clean tools crates style

help:
	@sed -n 's/^#   //p' Makefile

demo: $(STAMPS)/runtime
	@$(BIN)/stadtbuch demo

# A fresh clone has nothing built; whatever the tests need, they build in temporary folders.
test: $(STAMPS)/test tools crates style
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

check: $(STAMPS)/test style
	@$(BIN)/python -m pytest tests/guards tests/docs

style: $(STAMPS)/test
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports
	@$(BIN)/mypy

campaign: $(STAMPS)/test
	@case "$(NAME)" in \
	  tables) $(BIN)/python -m pytest tests/attackers tests/stories/test_attacker.py --sample $(SAMPLE) --cells 100000 -rA ;; \
	  sandbox) $(BIN)/python -m pytest tests/attacks --alone --long -rA ;; \
	  kernels) $(BIN)/python -m pytest tests/kernels --kills $(KILLS) -rA ;; \
	  verify) $(BIN)/python -m pytest tests/stories/test_stranger.py --editions 1000 -rA ;; \
	  crash) $(BIN)/python tests/crash/campaign.py $(CRASH) ;; \
	  mutations) $(BIN)/python -m pytest tests/mutations --switches all --long -rA ;; \
	  long) $(BIN)/python -m pytest -n 2 --dist loadfile -m long --long -rA ;; \
	  attacks|pages|fuzz) echo "make campaign NAME=$(NAME) comes with a later issue; today there are NAME=tables, NAME=sandbox, NAME=kernels, NAME=verify, NAME=crash, NAME=mutations and NAME=long."; exit 2 ;; \
	  *) echo "Which campaign? make campaign NAME=tables, NAME=sandbox, NAME=kernels, NAME=verify, NAME=crash, NAME=mutations or NAME=long"; exit 2 ;; \
	esac

lab: $(STAMPS)/lab
	@$(BIN)/stadtbuch lab

serve: $(STAMPS)/runtime
	@test -f public/index.html || { echo "There is nothing to serve yet: run 'make demo' first."; exit 1; }
	@exec $(BIN)/stadtbuch serve --port $(PORT) --dashboards-port $(DASHBOARDS_PORT)

bench: $(STAMPS)/test
	@found=no; for file in benchmarks/*.py; do \
	  test -f "$$file" || continue; found=yes; echo "== $$file"; $(BIN)/python "$$file" || exit 1; \
	done; test $$found = yes || echo "There is no benchmark yet."

format: $(STAMPS)/test
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

docs: $(STAMPS)/docs
	@STADTBUCH_LANGUAGE=en $(BIN)/python docs/reference/write_commands.py
	@$(BIN)/python docs/reference/write_errors.py
	@$(BIN)/python docs/reference/write_doctor.py
	@$(BIN)/python docs/reference/write_rules.py
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet && echo "The documentation to read: build/docs/index.html"

# No addresses, no paths, no comments: the files hold names, versions and hashes only.
COMPILE := $(UV) pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header --no-annotate
# A pin with a marker may be missing on this machine, so the other locks repeat it.
BEYOND_RUNTIME = $$(sed -n 's/^\([a-z0-9._-]*\)==[^;]*$$/--no-emit-package \1/p' requirements/runtime.lock)
lock: $(UV)
	@$(COMPILE) requirements/uv.in -o requirements/uv.lock
	@$(COMPILE) requirements/build.in -o requirements/build.lock
	@$(COMPILE) requirements/crates.in -o requirements/crates.lock
	@$(COMPILE) pyproject.toml -o requirements/runtime.lock
	@$(COMPILE) $(BEYOND_RUNTIME) -c requirements/runtime.lock --group test --extra lab --extra docs --extra cluster --extra budget pyproject.toml -o requirements/test.lock
	@$(COMPILE) $(BEYOND_RUNTIME) -c requirements/runtime.lock --extra lab pyproject.toml -o requirements/lab.lock
	@$(COMPILE) $(BEYOND_RUNTIME) -c requirements/runtime.lock --extra docs pyproject.toml -o requirements/docs.lock
	@$(COMPILE) $(BEYOND_RUNTIME) -c requirements/runtime.lock --extra cluster pyproject.toml -o requirements/cluster.lock
	@$(COMPILE) $(BEYOND_RUNTIME) -c requirements/runtime.lock --extra budget pyproject.toml -o requirements/budget.lock

clean:
	rm -rf .venv public .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find lib tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "var/ (the city's memory) and data/ are kept."

# Installing: each step leaves a stamp, so it is repeated only when a lock file or pyproject.toml changed.

$(UV): requirements/uv.lock requirements/find-python
	@python="$$(sh requirements/find-python)" && rm -rf .venv && "$$python" -m venv .venv
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.lock
	@mkdir -p $(STAMPS) && touch $(UV)

$(STAMPS)/runtime: $(UV) $(LOCKED)
	@echo "Installing the runtime from requirements/runtime.lock ..."
	@$(INSTALL) -r requirements/runtime.lock
	@$(INSTALL) -r requirements/build.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/test: $(STAMPS)/runtime requirements/test.lock
	@echo "Installing what the tests need from requirements/test.lock ..."
	@$(INSTALL) -r requirements/runtime.lock -r requirements/test.lock
	@touch $@

$(STAMPS)/docs: $(STAMPS)/runtime requirements/docs.lock
	@echo "Installing what renders the documentation from requirements/docs.lock ..."
	@$(INSTALL) -r requirements/runtime.lock -r requirements/docs.lock
	@touch $@

$(STAMPS)/lab: $(STAMPS)/runtime requirements/lab.lock
	@echo "Installing JupyterLab from requirements/lab.lock ..."
	@$(INSTALL) -r requirements/runtime.lock -r requirements/lab.lock
	@touch $@

# The only place that may install system packages: as root, where apt is, if one of them is missing.
# Chromium looks at pages; bubblewrap is the box for code that nobody vouches for.
tools:
	@missing=""; \
	command -v chromium > /dev/null 2>&1 || missing="$$missing chromium"; \
	command -v bwrap > /dev/null 2>&1 || missing="$$missing bubblewrap"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get > /dev/null 2>&1; then \
	  echo "Not installed, and no root or no apt to install it:$$missing. The tests that need it are skipped."; exit 0; \
	fi; \
	echo "Installing for the tests:$$missing ..."; \
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; } > /dev/null 2>&1 \
	  || echo "Could not be installed:$$missing. The tests that need it are skipped."

# What validates RO-Crates needs an older rich than we do: an environment of its own, inside ours.
crates: $(STAMPS)/crates
$(STAMPS)/crates: $(UV) requirements/crates.lock
	@rm -rf .venv/crates; { $(UV) venv --quiet --python $(BIN)/python .venv/crates \
	  && $(UV) pip install --quiet --python .venv/crates/bin/python --require-hashes -r requirements/crates.lock && touch $@; } \
	  || { rm -rf .venv/crates; echo "Could not be installed: roc-validator. RO-Crates are not validated."; }
