# Everything the project does, one word each. Works with GNU make 3.81 (macOS) and later.
PYTHON  ?= python3
WORKERS ?= 3
PY      := .venv/bin/python
PIP     := $(PY) -m pip install --quiet --disable-pip-version-check
RUN     := .venv/.run-ready
TEST    := .venv/.test-ready
BENCH   := .venv/.bench-ready
RAY     := .venv/.ray-ready

.DEFAULT_GOAL := help
.PHONY: help run test test-ray check format claims soak faults ray-faults audit export-check bench warm concept concept-check defaults clean

help: ## this list
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

run: $(RUN) ## start the lab and print its address
	@$(PY) -m core.server

test: $(TEST) ## checks, then every test (three processes, as browsers wait most of the time; more with WORKERS=8)
	@chromium=$$(bash tests/browser.sh) || exit 1; \
	$(MAKE) --no-print-directory check && \
	CHROMIUM="$$chromium" $(PY) -m pytest -n $(WORKERS) --dist loadfile && \
	$(MAKE) --no-print-directory audit

test-ray: $(RAY) ## the tests of runs again on a small Ray cluster on this machine
	@$(PY) -m pytest -m ray

check: $(TEST) ## lint, format and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

format: $(TEST) ## put the code in its standard form
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

claims: $(RUN) ## measure claims over their seeds where they or their code changed; one: make claims name=gan; again: args=--all
	@$(PY) -m core.conclusions.claims $(name) $(args)

soak: $(TEST) ## forty readers for a quarter of an hour: nothing lost, nothing slow, memory flat
	@$(PY) -m tests.soak

faults: $(TEST) ## two hundred random faults over five hundred runs: nothing wrong, nothing left over
	@$(PY) -m tests.faults

ray-faults: $(RAY) ## a Ray cluster that loses a node, the broker, a raylet: nothing lost, the same bits
	@$(PY) -m tests.ray_faults

audit: $(TEST) ## known holes in the pinned packages, where the advisory database can be reached
	@$(PY) -m tests.audit

export-check: $(RUN) ## every exported script and notebook in a clean environment, against the lab's own numbers
	@$(PY) -m tests.exports

bench: $(BENCH) ## time what must be fast, against its budgets; one theme: make bench args="--theme peers"
	@$(PY) -m tests.bench $(args)

warm: $(RUN) ## compute beforehand what talks and first visits need, so that they work offline; one talk: make warm args=NAME
	@$(PY) -m core.cli warm $(args)

defaults: $(TEST) ## what ships for a first visit and its pictures, trained where it changed; one: make defaults name=dropout
	@CHROMIUM="$$(bash tests/browser.sh --find)" $(PY) -m core.defaults $(name) $(args)

concept: $(RUN) ## one experiment at the command line: make concept name=dropout args="..."
	@$(PY) -m core.cli $(name) $(args)

concept-check: ## all that a new concept needs, in order: tests, claims, default, pictures; make concept-check name=dropout
	@test -e $(TEST) || { echo "make test once first: this command installs nothing."; exit 1; }
	@CHROMIUM="$$(bash tests/browser.sh --find)" $(PY) -m tests.concept_check $(name)

clean: ## remove caches and stored runs (keeps .venv)
	rm -rf .store .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name ".venv*" -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is newer than its list of requirements, so the second time starts at once.
$(RUN): requirements.txt
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	  echo "Python 3.11 or later is needed, and '$(PYTHON)' was not found."; \
	  echo "Install it, or name one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or later is needed; '$(PYTHON)' is $$($(PYTHON) -V 2>&1)."; \
	  echo "Name another one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv .venv || { \
	  echo "No virtual environment could be made. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Installing what the lab needs into .venv (torch is large; this happens once) ..."
	@$(PIP) -r requirements.txt
	@touch $@

$(TEST): requirements-test.txt $(RUN)
	@echo "Installing what the tests need into .venv ..."
	@$(PIP) -r requirements-test.txt
	@touch $@

$(RAY): requirements-ray.txt $(TEST)
	@echo "Installing Ray into .venv ..."
	@$(PIP) -r requirements-ray.txt
	@touch $@

$(BENCH): requirements-bench.txt $(TEST)
	@echo "Installing what the benchmark compares with into .venv ..."
	@$(PIP) -r requirements-bench.txt
	@touch $@
