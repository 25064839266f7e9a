# Everything a person or a machine does with this repository. Each sets up what it needs by itself.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup serve serving test test-slow properties check format bench-model bench ops openapi contract starter \
	starter-figures wheels hostile overload

setup: $(VENV)/.ready

# What serving needs, and no more: no torch, no tools of the tests (docs/deploy.md says what it weighs).
serving: $(VENV)/.serving

$(VENV)/.serving: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[cpu]'
	-model/ops/native/build.sh
	$(BIN)/layoutserve ocr-models
	touch $@

# The rest.
$(VENV)/.ready: pyproject.toml client/pyproject.toml $(VENV)/.serving
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --editable '.[cpu,torch,dev,otel]' --editable './client[cli,draw]'
	touch $@

# The native operators; both set-ups try them too, and go on without where there is no compiler or header.
ops:
	model/ops/native/build.sh

test: setup
	$(BIN)/python -m pytest

test-slow: setup
	$(BIN)/python -m pytest -m slow

# The property tests on examples they have not seen; as often as one likes.
properties: setup
	$(BIN)/python -m pytest -m hypothesis --hypothesis-profile=search

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

# The network alone: torch eager beside the exported graphs, with ratios; minutes.
bench-model: setup ops
	$(BIN)/python benchmarks/network.py

# Everything that is measured beside what people use today: one run, one report in runs/bench (ten minutes, on a quiet
# machine). BENCH=--publish also makes it the benchmarks' README; BENCH=--resume goes on where a run ended.
bench: setup ops
	$(BIN)/python benchmarks/report.py $(BENCH)

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# What serving needs on a fresh machine, then the service on port 8080; settings are variables LAYOUTSERVE_*.
serve: serving
	$(BIN)/layoutserve serve --port 8080

# What is published: source distributions, the client, the service for any platform, and for this one with the native
# operators, under the name of the oldest Linux that it runs on.
wheels: serving ops
	$(BIN)/python -m pip install --quiet --editable '.[cpu,release]'
	rm -rf dist
	$(BIN)/python -m build --outdir dist client
	$(BIN)/python -m build --outdir dist --sdist
	LAYOUTSERVE_NATIVE=no $(BIN)/python -m build --outdir dist --wheel
	LAYOUTSERVE_NATIVE=required $(BIN)/python -m build --outdir dist/native --wheel
	$(BIN)/auditwheel repair --wheel-dir dist dist/native/*.whl
	rm -r dist/native
	$(BIN)/python -m twine check --strict dist/*

# 350 hostile documents made by code, against the service as users start it: ten minutes.
hostile: setup
	$(BIN)/python -m pytest tests/hostile -s -m "slow or not slow"

# Open-loop arrivals at 1, 2 and 5 times what can be answered: two minutes, on a quiet machine.
overload: setup
	$(BIN)/python benchmarks/overload.py

openapi: setup
	$(BIN)/layoutserve openapi > openapi.yaml.new && mv openapi.yaml.new openapi.yaml

# At least 2,000 requests made up from the contract, all of schemathesis's checks, against the real app.
contract: setup
	CONTRACT_EXAMPLES=150 CONTRACT_PHASES=examples,coverage,fuzzing,stateful CONTRACT_CASES=2000 \
		$(BIN)/python -m pytest -s tests/service/test_contract.py

# The starter bundle from the public data (DATA) and pages drawn in code: about two hours of one core, and a second one
# helps. Every step resumes, and `make starter` again goes on where it was. A trial of all steps in half an hour, elsewhere:
# make starter RUNS=/tmp/trial BUNDLE=/tmp/trial/bundle TRIAL=0.02 PRETRAIN_MINUTES=1 TRAIN_MINUTES=9
# (what was trained for a minute only, the export refuses at the very end: int8 has to compute what float32 does)
DATA ?= ../shared/data
RUNS ?= runs
BUNDLE ?= model/bundles/starter
TRIAL ?= 1
PRETRAIN_MINUTES ?= 33
TRAIN_MINUTES ?= 71
# A seed for hashes, too: a library that draws from a set would draw other names in every run.
STARTER := PYTHONHASHSEED=0 OMP_NUM_THREADS=1 $(BIN)/python -m layoutserve.model.training.starter.recipe
RELEASE := $(BIN)/python -m layoutserve.model.training.starter.release --data $(DATA) --work $(RUNS)/corpus --output $(BUNDLE) \
	--read $(RUNS)/dev-ocr.jsonl
starter: setup
	$(STARTER) draw --work $(RUNS)/corpus --processes 2 --fraction $(TRIAL)
	$(STARTER) read --work $(RUNS)/corpus --data $(DATA) --fraction $(TRIAL)
	$(STARTER) pretrain --work $(RUNS)/corpus --data $(DATA) --folder $(RUNS)/pretrained --minutes $(PRETRAIN_MINUTES)
	$(STARTER) train --work $(RUNS)/corpus --data $(DATA) --folder $(RUNS)/starter --minutes $(TRAIN_MINUTES) \
		--start $(RUNS)/pretrained/network.pt
	$(BIN)/layoutserve evaluate --checkpoint $(RUNS)/starter/checkpoint --task kie --data $(DATA)/sroie/dev.jsonl \
		--words ocr --keep $(RUNS)/dev-ocr.jsonl
	$(RELEASE) --checkpoint $(RUNS)/starter/checkpoint

# Every figure of the starter's card, measured again on the bundle as it lies there.
starter-figures: setup
	$(STARTER) draw --work $(RUNS)/corpus --processes 2
	$(BIN)/layoutserve evaluate --bundle $(BUNDLE) --task kie --data $(DATA)/sroie/dev.jsonl --words ocr \
		--keep $(RUNS)/dev-ocr.jsonl
	$(RELEASE) --measure-only
