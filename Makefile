# On a fresh machine: `make demo` describes the sample episode, `make test` passes the tests. Nothing else by hand.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test check clean

demo: $(VENV)/.base
	$(BIN)/python -m data.sample build/sample
	$(BIN)/vdesc run build/sample/sample.mp4 --config embedded --out out
	@echo "Results: out/sample/ (described.mp4, report.html, script.json, …)"

# Two files of tests at a time, the slow ones first, each on one thread: models would else take every core.
test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST)

check: $(VENV)/.all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# uv: pip would try dozens of releases before it finds a set that fits, and cannot leave out the OpenCV wheels that
# overwrite each other (see [tool.uv] in pyproject.toml).
$(VENV)/.uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q uv
	touch $@

$(VENV)/.base: pyproject.toml | $(VENV)/.uv
	$(BIN)/uv pip install -q --native-tls --python $(BIN)/python -e .
	touch $@

$(VENV)/.all: pyproject.toml | $(VENV)/.uv
	$(BIN)/uv pip install -q --native-tls --python $(BIN)/python -e '.[all]'
	touch $@ $(VENV)/.base

clean:
	rm -rf $(VENV) build out
