# Two commands: `make lab` and `make test`. Both make what they need, and only once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FRONT_END := dfbackup_jupyter/labextension/package.json

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# jlpm and jupyter-builder live there.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# IPython would put the packages of another one that is active before ours.
export VIRTUAL_ENV := $(CURDIR)/$(VENV)

.PHONY: help lab test torture bench check check-front-end browser clean
.DELETE_ON_ERROR:

help:
	@echo 'make lab     open JupyterLab on examples/quickstart.ipynb'
	@echo 'make test    check everything; PYTEST="-k word" to choose'
	@echo 'make torture kill, fill up and damage stores for minutes, and print figures'
	@echo 'make bench   measure what it costs, for docs/performance.md; BENCH=--full for 40 minutes'
	@echo 'make clean   remove what these two made'

lab: $(VENV)/lab.stamp
	jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) examples/quickstart.ipynb

# pytest is last: its closing line tells how all went. Two at a time, as much of it is waiting.
test: check check-front-end browser
	python -m pytest -n 2 --dist worksteal --cov $(PYTEST)

# The same tests as in `make test`, each at every call instead of some, and those of load.
torture: $(VENV)/test.stamp
	TORTURE=1 python -m pytest -n 2 --dist worksteal \
		tests/torture tests/test_damage.py tests/store/test_processes.py --session-timeout 1200 --timeout 900 $(PYTEST)

bench: $(VENV)/test.stamp
	python benchmarks/run.py $(BENCH)

check: $(VENV)/test.stamp
	ruff check .
	ruff format --check .
	mypy
	lint-imports

check-front-end: $(FRONT_END)
	cd labextension && jlpm typecheck && jlpm lint && jlpm test

browser:
	@.ci/browser

clean:
	rm -rf $(VENV) .venv-kishu labextension/node_modules labextension/lib $(dir $(FRONT_END))

# An editable installation: Python sources are used as they are. Only what it copies (the front-end,
# the start-up file) or reads once (the metadata) asks for a new one.
INSTALLED := pyproject.toml install.json dfbackup_jupyter/__init__.py \
	dfbackup_jupyter/kernel_startup.py $(FRONT_END)

$(VENV)/lab.stamp: $(INSTALLED)
	python -m pip install --quiet --editable '.[lab,examples]'
	@touch $@

$(VENV)/test.stamp: $(INSTALLED)
	python -m pip install --quiet --editable '.[test]'
	@touch $@ $(VENV)/lab.stamp

$(FRONT_END): labextension/node_modules/.stamp $(shell git ls-files labextension)
	cd labextension && jlpm build:prod

labextension/node_modules/.stamp: $(VENV)/venv.stamp labextension/package.json labextension/yarn.lock
	cd labextension && jlpm install --immutable
	@touch $@

$(VENV)/venv.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed; say which: make PYTHON=python3.11 ...' >&2; exit 1; }
	@command -v node >/dev/null || { echo 'Node.js is needed to build the front-end.' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	python -m pip install --quiet 'jupyter-builder>=1.3'
	@touch $@
