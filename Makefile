# Two commands do everything from nothing: `make demo` and `make test`. Both make a virtual
# environment in .venv first, with uv where it is installed and with pip otherwise.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Without cached bytecode every stage would compile its imports again.
unexport PYTHONDONTWRITEBYTECODE
UV := $(shell command -v uv 2>/dev/null)
# Two more than there are cores: tests wait for servers, and for pauses that GitHub asks for.
WORKERS = $(shell python -c 'import os; print((os.cpu_count() or 1) + 2)')

.PHONY: demo test check servers coverage mutation lint lock clean retrain

demo: $(VENV)/train.stamp $(VENV)/serve.stamp ## a year of flights: train, retrain, roll out, roll back
	python -m scripts.run_demo

test: $(VENV)/dev.stamp ## lint, types and every test; installs what tests need from Debian
	$(MAKE) --jobs=3 $(if $(filter output-sync,$(.FEATURES)),--output-sync) servers lint coverage
	python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --ignore tests/core $(PYTEST_ARGS)

check: $(VENV)/dev.stamp ## in a repository made of this one: lint, types, its configuration and its use case
	$(MAKE) lint
	python -m scripts.doctor --offline

servers: ## install what tests need from Debian
	.ci/install_test_servers

coverage: $(VENV)/dev.stamp ## the tests of pipeline/core, which run its every branch
	python -m pytest tests/core -n 2 --dist loadfile --cov=pipeline/core --cov-branch --cov-fail-under=100

mutation: $(VENV)/mutation.stamp ## are the tests good enough? some hours; see docs/mutation.md
	mutmut run --max-children 2 $(MUTANTS)
	mutmut results

lint: $(VENV)/dev.stamp
	ruff check .
	ruff format --check .
	mypy
	shellcheck .ci/run .ci/install_test_servers
	actionlint
	zizmor --offline --quiet .github

lock: ## renew requirements/*.txt from pyproject.toml (needs uv)
	scripts/lock_requirements.sh

$(VENV)/bin/python:
ifdef UV
	uv venv --quiet --python $(PYTHON) --allow-existing $(VENV)
else
	$(PYTHON) -m venv $(VENV)
endif

$(VENV)/%.stamp: requirements/%.txt | $(VENV)/bin/python
ifdef UV
	uv pip install --quiet --require-hashes --python $(BIN)/python -r $<
else
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
endif
	touch $@

clean:
	rm -rf $(VENV) .demo mutants
