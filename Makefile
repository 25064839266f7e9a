# Everything a person or a machine does with this repository. `make setup` is implied by the others.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup serve test test-slow check format bench-model bench ops openapi contract starter starter-figures

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --editable '.[cpu,torch,dev,otel]' --editable './client[cli,draw]'
	-model/ops/build.sh
	$(BIN)/layoutserve ocr-models
	touch $@

# The native operators; `make setup` tries them too, and goes on without where there is no compiler or header.
ops:
	model/ops/build.sh

test: setup
	$(BIN)/python -m pytest

test-slow: setup
	$(BIN)/python -m pytest -m slow

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

# The network alone: torch eager beside the exported graphs, with ratios; minutes.
bench-model: setup ops
	$(BIN)/python benchmarks/network.py

# OCR, network and whole pages, each beside what people use today, in one run with ratios; on a quiet machine.
bench: setup ops
	$(BIN)/python benchmarks/ocr.py
	$(BIN)/python benchmarks/network.py
	$(BIN)/python benchmarks/page.py

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Everything on a fresh machine, then the service on port 8080; settings are variables LAYOUTSERVE_*.
serve: setup
	$(BIN)/layoutserve serve --port 8080

openapi: setup
	$(BIN)/layoutserve openapi > openapi.yaml.new && mv openapi.yaml.new openapi.yaml

# At least 2,000 requests made up from the contract, all of schemathesis's checks, against the real app.
contract: setup
	CONTRACT_EXAMPLES=150 CONTRACT_PHASES=examples,coverage,fuzzing,stateful CONTRACT_CASES=2000 \
		$(BIN)/python -m pytest -s tests/service/test_contract.py

# The starter bundle from the public data (DATA) and pages drawn in code: an hour or two of two cores; every step resumes.
DATA ?= ../shared/data
starter: setup
	$(BIN)/python -m model.training.starter draw --processes 2
	$(BIN)/python -m model.training.starter train --data $(DATA) --folder runs/starter --minutes 62 --processes 2
	$(BIN)/layoutserve evaluate --checkpoint runs/starter/checkpoint --task kie --data $(DATA)/sroie/dev.jsonl \
		--words ocr --keep runs/dev-ocr.jsonl
	$(BIN)/python -m model.training.release --data $(DATA) --checkpoint runs/starter/checkpoint --read runs/dev-ocr.jsonl

# Every figure of the starter's card, measured again on the bundle as it lies there.
starter-figures: setup
	$(BIN)/python -m model.training.starter draw --processes 2
	$(BIN)/layoutserve evaluate --bundle starter --task kie --data $(DATA)/sroie/dev.jsonl --words ocr --keep runs/dev-ocr.jsonl
	$(BIN)/python -m model.training.release --measure-only --data $(DATA) --read runs/dev-ocr.jsonl
