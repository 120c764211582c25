# On a fresh machine: `make demo` describes the sample episode, `make test` passes the tests. Nothing else by hand.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OPENCV_WHEELS := opencv-python opencv-python-headless opencv-contrib-python opencv-contrib-python-headless

.PHONY: demo test check clean

demo: $(VENV)/.base
	$(BIN)/python -m data.sample build/sample
	$(BIN)/vdesc run build/sample/sample.mp4 --out out
	@echo "Results: out/sample/ (described.mp4, report.html, script.json, …)"

test: check
	$(BIN)/python -m pytest $(PYTEST)

check: $(VENV)/.all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/.base: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -e .
	touch $@

# The asked-for packages drag in four OpenCV wheels that unpack into one folder; the headless one stays, alone.
$(VENV)/.all: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -e '.[all]'
	$(BIN)/python -m pip uninstall -q -y $(OPENCV_WHEELS)
	$(BIN)/python -m pip install -q 'opencv-python-headless>=4.10,<5'
	touch $@ $(VENV)/.base

clean:
	rm -rf $(VENV) build out
