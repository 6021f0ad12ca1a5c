# `make` prints what there is. Everything runs from .venv, which `make setup` builds from locked versions; the tests run
# once more from .venv-spark35, the other Spark line.
.DEFAULT_GOAL := help
SHELL := /bin/bash

BIN := .venv/bin
JAVA := $(if $(JAVA_HOME),$(JAVA_HOME)/bin/java,java)
# the first Python that is new enough; asked for only by the recipes that make an environment
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)

# Spark's workers must be the interpreter that has the locked packages, and Spark the locked one, whatever the shell around says
export PYSPARK_PYTHON := $(CURDIR)/$(BIN)/python
test-spark35: export PYSPARK_PYTHON := $(CURDIR)/.venv-spark35/bin/python
export PYSPARK_DRIVER_PYTHON = $(PYSPARK_PYTHON)
unexport SPARK_HOME SPARK_CONF_DIR

PACKAGES := dist/hourglass-packages$(PYTHON_VERSION:%=-python%)$(CPU:%=-%).zip

.PHONY: help demo test test-spark35 image test-image check lint fmt docs notebooks bench bench-alarms setup setup-airflow setup-fairlearn setup-sdk setup-sdk3 setup-spark35 java packages lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup java ## the main job on real data with planted faults: local files, local Spark, no account
	@$(BIN)/hourglass demo

test: test-units test-jobs ## all tests, doctests and the README's code blocks

# apart, so that CI runs them side by side: what needs neither Java nor the environments of others, and what may
UNITS := libs $(addprefix tests/,bias laws models oracles store unit)
.PHONY: test-units test-jobs
test-units: setup setup-fairlearn
	@$(BIN)/python -m pytest $(UNITS)
test-jobs: setup setup-airflow setup-sdk setup-sdk3 java packages
	@$(BIN)/python -m pytest $(addprefix --ignore=,$(UNITS))

# all others find the same packages on both lines, and Spark on neither
ON_SPARK := tests/spark tests/join/test_spark.py tests/demo tests/golden tests/test_docs.py tests/test_servers.py tests/unit/test_session.py \
	$(addprefix tests/,attribution/test_engines.py model_quality/test_engines.py model_quality/test_requests.py)
test-spark35: setup-spark35 java packages ## what touches Spark, on Spark 3.5, and users' own checks, which Deequ has on 3.5 only
	@.venv-spark35/bin/python -m pytest $(ON_SPARK)

image: ## the container image, as hourglass: with Docker, else with buildah
	@docker/build

test-image: setup java ## the image's own tests: every job in a container, and what goes wrong there
	@[[ $$(id -u) == 0 ]] || { echo "make test-image: found user $$(id -un); expected root, who can mount disks that are full and make groups" \
		"that are short of memory. Hint: sudo make test-image; all other checks are make lint test test-spark35" >&2; exit 2; }
	@BUILDER=buildah docker/build
	@HOURGLASS_IMAGE=hourglass $(BIN)/python -m pytest tests/image

check: lint test test-image test-spark35 ## exactly what CI runs

lint: lint-format lint-style lint-types lint-imports ## format, style, types, and the direction of imports

# one target each, so that `make --keep-going` shows what all of them found
.PHONY: lint-format lint-style lint-types lint-imports
lint-format: setup
	@$(BIN)/ruff format --check
lint-style: setup
	@$(BIN)/ruff check
lint-types: setup
	@$(BIN)/mypy
lint-imports: setup
	@$(BIN)/lint-imports --no-logo

fmt: setup ## format the code and apply the safe fixes
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

docs: setup ## write docs/metrics.md from the registries
	@$(BIN)/hourglass metrics > docs/metrics.md

notebooks: setup setup-sdk ## run the notebooks and keep what they show
	@$(BIN)/jupyter execute --inplace notebooks/bias_alarms_by_sample_size.ipynb
	@$(BIN)/python -m tests.sdk.notebook

bench: setup java ## speed and memory, as ratios measured in one run
	@$(BIN)/python bench/run.py
	@$(BIN)/python bench/merge_join.py --repeats 3
	@$(BIN)/python bench/bootstrap.py
	@$(BIN)/python bench/bias.py
	@$(BIN)/python bench/attribution.py

bench-alarms: setup ## how often rules alarm in clean windows, and how often they find planted faults
	@$(BIN)/python bench/alarms/run.py

setup: .venv/.stamp ## .venv from requirements/*.txt: exact versions, checked hashes

setup-airflow: .venv-airflow/.stamp ## .venv-airflow with Airflow 3, which the tests run our DAGs with

setup-fairlearn: .venv-fairlearn/.stamp ## .venv-fairlearn with fairlearn, whose metrics the tests hold ours against

setup-sdk: .venv-sdk/.stamp ## .venv-sdk with the SageMaker Python SDK, which the tests let read our files

setup-sdk3: .venv-sdk3/.stamp ## .venv-sdk3 with the monitors of the SageMaker Python SDK 3

setup-spark35: .venv-spark35/.stamp ## .venv-spark35 with Spark 3.5, pydeequ and Deequ's jar

java: ## Java 17 to 21: found, or installed where apt and root allow
	@$(right-java) || { $(install-java); $(right-java); } || { found=$$($(JAVA) -version 2>&1 | grep -m 1 'version "'); echo >&2 \
		"Java: found $${found:-none} as $(JAVA), Spark needs 17 to 21:" \
		"install it (Debian: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17) and name it in JAVA_HOME."; exit 1; }

packages: $(PACKAGES) ## what Spark's workers need beside Spark, in dist; CPU=aarch64 PYTHON_VERSION=3.12 for others than this machine's

lock: setup ## resolve all versions anew and write requirements/*.txt
	@$(compile) --group pyproject.toml:build -o requirements/build.txt
	@$(compile) --group pyproject.toml:dev --extra demo --extra attribution --extra models --extra otel pyproject.toml -o requirements/dev.txt
	@$(compile) --group pyproject.toml:spark35 --extra demo --extra deequ --extra attribution --extra models pyproject.toml -o requirements/spark35.txt --constraint <($(not-spark))
	@$(compile) --group pyproject.toml:image --extra attribution --extra models --extra otel pyproject.toml -o requirements/image.txt --constraint <($(locked))
	@$(compile) pyproject.toml -o requirements/cluster.txt --no-emit-package pyspark --no-emit-package py4j --constraint <($(not-spark))
	@$(compile) --group pyproject.toml:fairlearn -o requirements/fairlearn.txt
	@$(compile) --group pyproject.toml:sdk -o requirements/sdk.txt
	@$(compile) --group pyproject.toml:sdk3 -o requirements/sdk3.txt
	@$(compile) --group pyproject.toml:airflow pyproject.toml $(addprefix --no-emit-package ,$(not-airflow)) -o requirements/airflow.txt

clean: ## remove the environments and what the tools left behind
	rm -rf .venv .venv-airflow .venv-fairlearn .venv-sdk .venv-sdk3 .venv-spark35 .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist libs/*.egg-info

# pyspark comes as source only: its build, like our own, takes the locked setuptools, since an isolated one would fetch an unlocked one
.venv/.stamp: requirements/build.txt requirements/dev.txt pyproject.toml
	@$(need-python)
	@echo "setting up .venv with $(PYTHON): about two minutes the first time, most of it Spark" >&2
	@$(PYTHON) -m venv $(@D)
	@$(BIN)/pip install --quiet --require-hashes -r requirements/build.txt
	@$(BIN)/pip install --quiet --require-hashes --no-build-isolation -r requirements/dev.txt
	@$(BIN)/pip install --quiet --no-index --no-deps --no-build-isolation --editable .
	@touch $@

.venv-fairlearn/.stamp .venv-sdk/.stamp .venv-sdk3/.stamp: .venv-%/.stamp: requirements/%.txt
	@$(need-python)
	@echo "setting up $(@D) with $(PYTHON): about half a minute" >&2
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install --quiet --require-hashes --only-binary :all: -r $<
	@touch $@

# Airflow and our package's own requirements in one environment, but for what its tasks' processes need and its DAGs do not
not-airflow := boto3 botocore pandas py4j pypdf pyspark s3transfer vl-convert-python
.venv-airflow/.stamp: requirements/build.txt requirements/airflow.txt pyproject.toml
	@$(need-python)
	@echo "setting up $(@D) with $(PYTHON): about a minute" >&2
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install --quiet --no-compile --require-hashes --no-deps --only-binary :all: -r requirements/build.txt -r requirements/airflow.txt
	@$(@D)/bin/pip install --quiet --no-index --no-deps --no-build-isolation --editable .
	@touch $@

.venv-spark35/.stamp: requirements/build.txt requirements/spark35.txt pyproject.toml | java
	@$(need-python)
	@echo "setting up .venv-spark35 with $(PYTHON): about two minutes the first time, most of it Spark" >&2
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install --quiet --require-hashes -r requirements/build.txt
	@$(@D)/bin/pip install --quiet --require-hashes --no-build-isolation -r requirements/spark35.txt
	@$(@D)/bin/pip install --quiet --no-index --no-deps --no-build-isolation --editable .
	@$(fetch-deequ)
	@touch $@

# Deequ's jar is on Maven Central only. Spark brings Ivy, which knows the way there; what comes is held against its hash.
DEEQU := 2.0.7-spark-3.5
DEEQU_SHA256 := 97c2736b1d9df4d4bb3303dd1eaa5f42db70605c79be1769ba9ef5c0cd744faa
define fetch-deequ
$(JAVA) -jar $(@D)/lib/python3*/site-packages/pyspark/jars/ivy-*.jar -error -cache $(@D)/ivy -m2compatible -notransitive -confs default \
	-dependency com.amazon.deequ deequ $(DEEQU) -retrieve '$(@D)/[artifact].[ext]' >/dev/null && rm -r $(@D)/ivy && \
	$(@D)/bin/python -c 'import hashlib, sys; sys.exit(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest() != sys.argv[2])' \
	$(@D)/deequ.jar $(DEEQU_SHA256) || { echo >&2 "$(@D)/deequ.jar: not fetched, or not the file whose hash is locked in the Makefile"; exit 1; }
endef

# the folder is made anew: setuptools would take files along that are gone
$(PACKAGES): requirements/build.txt requirements/cluster.txt pyproject.toml $(shell find libs -name '*.egg-info' -prune -o -type f ! -name '*.pyc' -print) | setup
	@rm -rf build && mkdir -p $(@D)
	@$(BIN)/pip install --quiet --require-hashes --only-binary :all: --no-compile --target build/packages $(for-others) -r requirements/cluster.txt
	@rm -r build/packages/bin # scripts, which name this machine's Python; ours come next
	@$(BIN)/pip install --quiet --no-index --no-deps --no-build-isolation --no-compile --target build/packages .
	@rm -r build/packages/bin build/packages/pyarrow/include
	@find build/packages -name tests -type d -prune -exec rm -r {} + # a quarter of the bytes, half of the files
	@$(BIN)/python -c "$$pack" build/packages $@.part && mv $@.part $@
	@rm -rf build

# a third of the time that `python -m zipfile` takes, for a tenth more bytes
define pack
import pathlib, sys, zipfile
folder = pathlib.Path(sys.argv[1])
with zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
    for path in sorted(folder.rglob("*")):
        archive.write(path, path.relative_to(folder))
endef
export pack

# wheels for glibc 2.28 and older, which EMR's Amazon Linux 2023 has
for-others = $(if $(CPU)$(PYTHON_VERSION),--python-version $(or $(PYTHON_VERSION),3.11) \
	$(foreach glibc,manylinux_2_28 manylinux_2_27 manylinux_2_24 manylinux2014,--platform $(glibc)_$(or $(CPU),x86_64)))

need-python = $(if $(PYTHON),:,echo >&2 "Python: found none of 3.11 or newer: install python3.11 and python3-venv."; exit 1)

# Java 8 calls itself 1.8; from 24 on Java has no security manager, and Spark's Hadoop asks for it
right-java = $(JAVA) -version 2>&1 | awk -F '[".-]' '/version "/ { fits = $$2 >= 17 && $$2 <= 21 } END { exit !fits }'

# an installed Java would not be asked while JAVA_HOME names another; Debian 13 has no 17 any more
define install-java
[[ -z $$JAVA_HOME && $$(id -u) == 0 ]] && command -v apt-get >/dev/null && export DEBIAN_FRONTEND=noninteractive && \
	echo "installing Java with apt-get" >&2 && apt-get update -qq && for version in 17 21; do \
	apt-get install -y -qq --no-install-recommends openjdk-$$version-jre-headless >/dev/null && break; done
endef

# the versions of .venv for all but Spark, so that a test that fails in one environment only has Spark to blame
locked = sed -nE 's/^([a-z0-9._-]+==[^ ]+( ;.*)?) \\$$/\1/p' requirements/dev.txt
not-spark = $(locked) | grep -vE '^(pyspark|py4j)=='

# one version of a package for all Pythons where there is one; no addresses and no paths in the files
compile = $(BIN)/uv pip compile --quiet --upgrade --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate
