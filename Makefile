# Needs Python 3.11 to 3.13, make and a package index; everything else is installed into .bootstrap/ and .venv/.
PYTHON ?= python3
PYTHONS ?= python3.11 python3.12 python3.13
VENV ?= .venv
BOOTSTRAP ?= .bootstrap
UV_VERSION := 0.13.9
ARGS ?=
PLAN ?= pipelines/recipes/benchmark/coupon.toml
FOLDER ?= runs/benchmark
COSTS ?= runs/bench
CASES ?= 200
OPERATIONS ?= .
FAULTS ?= runs/faults
SITE ?= runs/site
SEED ?= 1
SERVED := ann telemetry s3 kafka

UV := $(BOOTSTRAP)/bin/uv
BIN := $(VENV)/bin
COMPILE := $(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" --quiet

SBOM ?= runs/sbom
IMAGE ?= ihas
BOM_VERSION := 7.5.0

.PHONY: images sbom help setup demo serve benchmark bench bench-serving screenshot plots docs docs-settings check test coverage test-pythons test-slow schema-test chart-test faults lint format lock
.DELETE_ON_ERROR:

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1 - /p' Makefile

setup: $(VENV)/.installed ## install the locked environment into .venv
demo: setup ## run a search on the coupon data and request recommendations; ARGS=--keep leaves the service running
	$(BIN)/ihas demo $(ARGS)

serve: setup ## run the HTTP service and a worker on this machine
	$(BIN)/ihas up $(ARGS)

benchmark: setup ## compare data sets x backbones x seeds x methods in one table; PLAN=FILE.toml FOLDER=runs/benchmark
	$(BIN)/ihas study benchmark --plan $(PLAN) --folder $(FOLDER)

bench: setup ## measure the cost of serving and training against a floor and other libraries; COSTS=runs/bench
	$(BIN)/ihas bench --folder $(COSTS) $(ARGS)

bench-serving: setup ## measure the cost of a response, in the process and over HTTP
	$(BIN)/ihas bench serving http --folder $(COSTS) $(ARGS)

screenshot: setup ## write docs/images/dashboard.png, the README's picture; some minutes, needs Chromium; ARGS="--url http://..." shows a running service
	$(BIN)/python -m tests.service.dashboard.screenshot $(ARGS)

images: ## build both images, ihas:serving and ihas:full, with labels of version and commit; needs Docker; ARGS="--build-arg PYTHON_IMAGE=...@sha256:..."
	@for target in serving full; do \
	  docker build --target $$target --tag $(IMAGE):$$target --build-arg VERSION=$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) \
	    --build-arg REVISION=$$(git rev-parse HEAD) --build-arg CREATED=$$(date -u +%Y-%m-%dT%H:%M:%SZ) $(ARGS) . || exit 1; \
	done

sbom: $(UV) ## write what each image installs as CycloneDX, from the lock files, with digests; SBOM=runs/sbom
	@mkdir -p $(SBOM)
	@for target in serving full; do \
	  $(UV) tool run --quiet --from cyclonedx-bom==$(BOM_VERSION) cyclonedx-py requirements requirements/$$target.lock \
	    --pyproject pyproject.toml --output-reproducible --output-format JSON --output-file $(SBOM)/$$target.json 2>/dev/null || exit 1; \
	  echo "$(SBOM)/$$target.json"; \
	done

plots: setup ## measure anew what the plots of the concepts show, and draw them into docs/images; minutes
	$(BIN)/python -m tests.concept_plots

docs: setup ## build the site of docs/ into SITE=runs/site, offline; warnings and broken links are errors; under three minutes
	$(BIN)/python -m sphinx --builder html --fail-on-warning --keep-going --quiet --jobs 2 --doctree-dir $(SITE)/doctrees docs $(SITE)/html $(ARGS)
	@echo "The site: $(SITE)/html/index.html"

docs-settings: setup ## write docs/settings.md, the settings of recipes
	$(BIN)/ihas settings --recipe --markdown > docs/settings.md

check: setup lint ## before a commit: linters, types, and the quick tests that load no TensorFlow; under a minute
	$(BIN)/pytest -q -n logical --maxprocesses 4 --dist loadfile -m "not tf and not full and not slow" $(ARGS)

test: setup lint ## run linters, types, import contracts, and all tests but the slow ones
	$(BIN)/pytest -n logical --maxprocesses 4 --dist loadfile $(ARGS)

coverage: setup ## run the tests of `make test`, and say which lines none of them reaches; half as long again
	$(BIN)/pytest -n logical --maxprocesses 4 --dist loadfile --cov=ihas --cov=ihas_pipelines --cov=ihas_service --cov-report=term:skip-covered $(ARGS)

test-pythons: ## run `make test` under each Python of PYTHONS, each in an environment of its own under .pythons/
	@passed= failed= missing=; \
	for python in $(PYTHONS); do \
	  if ! version=$$($$python -c 'import platform; print(platform.python_version())' 2>/dev/null); then missing="$$missing $$python"; continue; fi; \
	  echo "=== $$python, $$version"; \
	  if $(MAKE) test PYTHON=$$python VENV=.pythons/$$version/.venv BOOTSTRAP=.pythons/$$version/.bootstrap; \
	  then passed="$$passed $$version"; else failed="$$failed $$version"; fi; \
	done; \
	echo "passed:$${passed:- none}"; echo "failed:$${failed:- none}"; echo "not found:$${missing:- none}"; \
	[ -n "$$passed" ] && [ -z "$$failed" ]

test-slow: setup ## run tests longer than 10 seconds
	$(BIN)/pytest -m slow $(ARGS)

schema-test: setup ## test the API against its OpenAPI document with schemathesis; CASES=200 per operation, OPERATIONS='^POST /v1/keys'
	IHAS_TEST_CASES=$(CASES) IHAS_TEST_OPERATIONS='$(OPERATIONS)' $(BIN)/pytest -m slow tests/service/test_description.py $(ARGS)

chart-test: setup ## lint and render the chart by Helm itself, which a package of 245 MB carries, for Linux on x86-64
	$(UV) pip install --quiet --python $(BIN)/python helm-python-sdk==0.2.2
	$(BIN)/pytest tests/test_deploy.py $(ARGS)

faults: setup ## attack, kill, stop and starve real processes more than 500 times; a table by kind; SEED=1 FAULTS=runs/faults
	$(BIN)/python -m tests.faults --folder $(FAULTS) --seed $(SEED) $(ARGS)

lint: setup ## run ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: setup ## format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(UV) ## update the lock files from pyproject.toml; ARGS=--upgrade takes newer versions
	$(COMPILE) $(ARGS) --extra all --group dev -o requirements/development.lock
	$(COMPILE) --constraint requirements/development.lock --extra all -o requirements/full.lock
	$(COMPILE) --constraint requirements/development.lock $(foreach extra,$(SERVED),--extra $(extra)) -o requirements/serving.lock

# uv does not read pip's settings, so an index configured only for pip is passed to it.
$(VENV)/.installed: pyproject.toml requirements/development.lock | $(UV)
	@index=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(BOOTSTRAP)/bin/pip config get global.index-url 2>/dev/null)}}; \
	if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$$index"; fi; \
	set -e; \
	[ -x $(BIN)/python ] || $(UV) venv --quiet --python $(BOOTSTRAP)/bin/python $(VENV); \
	$(UV) pip install --python $(BIN)/python --require-hashes --compile-bytecode -r requirements/development.lock; \
	$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(UV): Makefile
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo 'iHAS needs Python 3.11, 3.12 or 3.13, but `$(PYTHON)` is'" $$($(PYTHON) --version 2>&1)."' Name another one: make setup PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -m venv $(BOOTSTRAP) || { \
	  echo 'The venv module does not work. On Debian and Ubuntu: apt-get install python3-venv. Or name another Python: make setup PYTHON=...' >&2; exit 1; }
	@$(BOOTSTRAP)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@
