# make demo     install everything and run the first studies on the embedded digits: report/mlp-cw2.pdf, report/beras.pdf
# make setup    only install
# make watch    show the cells that are training (run it in a second terminal)
# make test     everything that CI checks
# make gpu      the tests that need a GPU, then the benchmarks of epochs and start-up
# make chaos    the long chaos test, about 40 minutes: kills the workflow 100 times, and disturbs it in other ways
# make lock     renew requirements.lock after a change of pyproject.toml (envs/ must then follow)
# make pins     write envs/*.pin.txt, which pin the conda environments exactly; needs their channel (conda-forge)
# make schema   renew config.schema.json after a change of the configuration's keys

SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
TEX := latexmk texlive-latex-base texlive-latex-recommended texlive-latex-extra texlive-fonts-recommended \
       texlive-bibtex-extra lmodern cm-super-minimal \
       latex-cjk-chinese latex-cjk-chinese-arphic-gbsn00lp latex-cjk-chinese-arphic-bsmi00lp
# Some tests need these and are skipped without them: a browser for the HTML report, a Slurm of two nodes, a reader of PDF
TEST_TOOLS := chromium slurm-wlm munge poppler-utils
APT_INSTALL := DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends
SOURCES := models workflow_scripts tests benchmarks notebooks

.PHONY: demo setup watch test test-tools lint gpu chaos lock pins schema

demo: setup
	$(BIN)/snakemake --profile profiles/demo -- report/mlp-cw2.pdf report/beras.pdf

watch:
	@$(BIN)/python -m workflow_scripts.watch

setup: .venv/installed
	@command -v latexmk >/dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && $(APT_INSTALL) $(TEX); \
	else \
	  echo "latexmk is missing: the reports need TeX. Install it with" >&2; \
	  echo "  sudo apt-get install --no-install-recommends $(TEX)" >&2; exit 1; \
	fi

# uv, because it installs from the hashed lock in seconds: the one on PATH, or else one installed into .venv
.venv/installed: requirements.lock
	$(PYTHON) -m venv .venv 2>/dev/null || { \
	  echo "$(PYTHON) -m venv failed; install it with: sudo apt-get install python3-venv" >&2; exit 1; }
	command -v uv >/dev/null || $(BIN)/pip install --quiet uv
	PATH="$$PATH:$(CURDIR)/$(BIN)" uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	touch $@

test: setup test-tools lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

test-tools:
	@{ command -v chromium && command -v slurmctld && command -v munged && command -v pdftotext; } >/dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && $(APT_INSTALL) $(TEST_TOOLS); \
	else \
	  echo "some tests will be skipped; they need: sudo apt-get install --no-install-recommends $(TEST_TOOLS)" >&2; \
	fi

lint: setup
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint --cores 1

# without TeX, and measured even where a test fails
gpu: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m gpu; tested=$$?; $(BIN)/python -m benchmarks.gpu_epoch && exit $$tested

chaos: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.chaos.long --kills 100 --seed 0

lock:
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	  --group dev -o requirements.lock pyproject.toml

pins: setup
	$(BIN)/python -m workflow_scripts.pin_environments

schema: .venv/installed
	$(BIN)/python -c 'import json; from workflow_scripts.engine.configuration import config; print(json.dumps(config.schema(), indent=2))' \
	  > config.schema.json
