# Two commands do everything on a fresh machine with Python >= 3.11 and make: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
ASSIGNMENT ?= optimizers
STAMP := .venv/.installed
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: help demo test test-long test-all test-bare lint docs attacks faults bench large picture clean
.DEFAULT_GOAL := demo

# -qq shows errors alone: warnings are about places that pip was told to look in elsewhere, such as in a pip.conf.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "GradStep needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12")'
	@echo "Installing PyTorch and some 180 packages into .venv: about a minute and a half, and the time that downloads take."
	umask 022 && $(PYTHON) -m venv .venv
	umask 022 && $(BIN)/python -m pip install -qq --no-compile --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@umask 022 && $(BIN)/python -m compileall -qq -j 0 .venv/lib || true  # on all cores, which pip does on one; like pip, it leaves what is no Python, such as templates
	@chmod -R go+rX autograder  # as root, submissions run as another user, which reads the environment and this, whatever the umask
	@touch $(STAMP)

help:  ## this list
	@sed -nE 's/^([a-z-]+):.*  ## (.*)/\1\t\2/p' Makefile | expand -t 12

demo: $(STAMP)  ## release the sample assignment and grade the sample class
	$(BIN)/autograder release $(ASSIGNMENT) --force --output demo/release --results demo/results
	test -d examples/$(ASSIGNMENT)/submitted || $(BIN)/python examples/$(ASSIGNMENT)/build_class.py
	$(BIN)/autograder grade $(ASSIGNMENT) examples/$(ASSIGNMENT)/submitted --results demo/results

test: $(STAMP)  ## the short suite: some of every room, in some six minutes
	$(PYTEST) -m "not long"

test-long: $(STAMP)  ## what the short suite leaves out
	$(PYTEST) -m long

test-all: $(STAMP)  ## every test
	$(PYTEST)

BARE := tests/execution/test_conformance.py tests/execution/test_mounts.py tests/commands/container/test_gradescope_run.py tests/commands/grade/test_isolation.py tests/commands/container/test_umask.py
test-bare: $(STAMP)  ## the sandbox's and Gradescope's tests as if bubblewrap were not installed; needs root
	$(BIN)/python -m tests.surroundings $(PYTEST) $(BARE)

lint: $(STAMP)  ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

docs: $(STAMP)  ## the documentation as a site, into site/; a dead link or a public name without words is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

picture: $(STAMP)  ## the README's picture of real feedback; needs Debian's chromium
	$(BIN)/autograder grade optimizers examples/optimizers/submitted --only mei --results demo/picture
	chromium --headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --hide-scrollbars --window-size=940,1500 \
		--screenshot=docs/feedback.png file://$(CURDIR)/demo/picture/grades/optimizers/mei/feedback.html

attacks: $(STAMP)  ## every hostile submission at every level that this machine offers, as a table in docs/attacks.md; needs root
	PYTHONPATH=tests/helpers $(BIN)/python -m tests.adversaries.matrix

faults: $(STAMP)  ## grader, forkservers, submissions and Dask workers killed 50 times each at random moments
	PYTHONPATH=tests/helpers $(BIN)/python -m tests.execution.faults 50

bench: $(STAMP)  ## every bar of speed and size against pinned peers, into docs/performance.md
	$(BIN)/python benchmarks/bench.py

large: $(STAMP)  ## a class of 10,000: linear time, flat memory
	$(BIN)/python benchmarks/large.py 10000

clean:  ## remove the environment and what was made
	rm -rf .venv .venv-peers demo results release site
