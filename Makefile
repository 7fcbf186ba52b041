# The commands of the README. Each sets up what it needs.
SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := library
.PHONY: library demo demo-torch test bench bench-quick clean system-packages lint test-swift test-python

# What is installed with apt, and why: OpenBLAS to link with (pkg-config finds it), compilers for the
# C and C++ examples, binutils for nm, Python for its binding.
PACKAGES := libopenblas-dev pkg-config gcc g++ binutils python3 python3-venv

LIBRARY := .build/dist/release/libmuon.so
PYTHON := .venv/bin/python

system-packages:
	@command -v swift > /dev/null || { echo "libmuon needs Swift 6.3 or later: https://www.swift.org/install" >&2; exit 1; }
	@missing=$$(for p in $(PACKAGES); do \
	  dpkg-query -W -f '$${Status}' $$p 2> /dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then \
	    echo "libmuon needs these packages (names as in Debian):" $$missing >&2; \
	    echo "install them, for instance with: sudo apt-get install" $$missing >&2; exit 1; \
	  fi; \
	  echo "Installing" $$missing; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing > /dev/null; \
	fi

# The Swift runtime goes inside, so that the library needs no Swift where it runs.
library: system-packages
	@echo "Building $(LIBRARY)"
	@swift build --quiet -c release --product muon --scratch-path .build/dist -Xswiftc -static-stdlib
	@ln -sf libmuon.so $(LIBRARY).0

.venv/bin/python: | system-packages
	@echo "Setting up Python in .venv"
	@python3 -m venv .venv

demo: library $(PYTHON)
	@echo "Training on handwritten digits: Muon and AdamW against AdamW alone"
	@$(PYTHON) -m pip install -q --disable-pip-version-check "./bindings/python[demo]"
	@$(PYTHON) bindings/python/examples/digits.py

TORCH := .venv-torch/bin/python

$(TORCH): | system-packages
	@echo "Setting up Python in .venv-torch, for torch: some minutes and 5 GB, once"
	@python3 -m venv .venv-torch

# ARGS goes to gpt.py (see its --help).
demo-torch: library $(TORCH)
	@$(TORCH) -m pip install -q --disable-pip-version-check "./bindings/python[torch,demo]"
	@echo "Training a small GPT on text: AdamW, torch's Muon, libmuon's; about 4 minutes"
	@$(TORCH) bindings/python/examples/gpt.py $(ARGS)

test: library lint test-swift test-python
	@echo "All tests passed"

lint: system-packages
	@echo "Checking the format of the Swift code"
	@swift format lint --strict --recursive Package.swift Sources Tests bindings/swift

test-swift: system-packages
	@echo "Testing the mathematics and the C interface in Swift"
	@swift test --quiet --scratch-path .build/test

test-python: library $(PYTHON)
	@echo "Testing the Python package, the C, C++ and Swift examples, and the README"
	@$(PYTHON) -m pip install -q --disable-pip-version-check "./bindings/python[demo,test]"
	@$(PYTHON) -m mypy --config-file bindings/python/pyproject.toml bindings/python/src/libmuon
	@$(PYTHON) -m pytest -q Tests/python Tests/integration

BENCH := .venv-bench/bin/python

.venv-bench/ready: benchmarks/requirements.txt | system-packages
	@echo "Setting up Python in .venv-bench, with torch, jax and optax: some minutes and 6 GB, once"
	@python3 -m venv .venv-bench
	@$(BENCH) -m pip install -q --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@

# ARGS goes to the script: make bench ARGS="--quick" (see its --help).
bench: library .venv-bench/ready
	@$(BENCH) -m pip install -q --disable-pip-version-check ./bindings/python
	@$(BENCH) benchmarks/bench.py $(ARGS)

bench-quick: library $(PYTHON)
	@$(PYTHON) -m pip install -q --disable-pip-version-check "./bindings/python[demo]"
	@$(PYTHON) benchmarks/quick.py $(ARGS)
	@$(PYTHON) benchmarks/accuracy.py

clean:
	rm -rf .build .venv .venv-bench .venv-torch build bindings/python/build
