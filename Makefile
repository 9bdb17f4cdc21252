# Everything starts from a fresh clone: each target makes .venv as far as it needs it.
# PYTHON=/path/to/python3 picks the interpreter (3.11 or newer).

VENV := .venv
LIGHT := $(VENV)/.light-ready
DEV := $(VENV)/.dev-ready
FLOORS := .venv-floors
CLUSTER := .build/cluster

.DEFAULT_GOAL := help
.PHONY: help setup demo example-training test test-containers test-adapters test-cluster test-floors soak lint bench clean

help:
	@echo "make setup   virtual environment in .venv with lamlam, ready to run (compiles llama.cpp once)"
	@echo "make demo    setup, then lamlam writes, learns a new fact and forgets it"
	@echo "make example-training  adds PyTorch, then trains on a folder of notes and asks for their facts; minutes"
	@echo "make test    adds PyTorch and the development tools, then runs the tests"
	@echo "make test-floors  the quick part of the tests with every package at the oldest version allowed"
	@echo "make test-adapters  tests with frameworks and clients of others, each in an environment of its own"
	@echo "make test-containers  tests with Neo4j in a container; starts an engine (as root) if none answers"
	@echo "make test-cluster  tests with a real Ray (the extra \`cluster\`), which it fetches"
	@echo "make soak    the long forms of the tests: crashes, many processes, thousands of examples, a busy machine"
	@echo "make lint    ruff, mypy and pyright"
	@echo "make bench   speed of decoding and of lookups on this machine"
	@echo "make clean   removes .venv, .venv-floors and everything built"

setup: $(LIGHT)
	@:

demo: $(LIGHT)
	@$(VENV)/bin/lamlam demo

example-training: $(DEV)
	@$(VENV)/bin/python examples/train_on_own_texts.py runs/own_texts

test: $(DEV)
	@build_support/test.sh

# Not part of `make test`: its environment is another 8 GB, and llama.cpp is compiled again.
# What an old release calls deprecated beside a new one is not ours to mend.
test-floors: $(FLOORS)/.ready
	@$(FLOORS)/bin/python build_support/floors.py --installed
	$(FLOORS)/bin/python -m pytest --part others --part programs --part training -W ignore::DeprecationWarning -W ignore::ImportWarning
	$(FLOORS)/bin/python -m pytest --part neo4j --require-neo4j -W ignore::DeprecationWarning -W ignore::ImportWarning \
	  tests/memory_backends/neo4j_graph
	@$(FLOORS)/bin/python build_support/floors.py --installed

# Beside .venv, not in it: Ray Data with what it needs is half a gigabyte.
test-cluster: $(CLUSTER)/.ready
	PYTHONPATH=$(CURDIR)/$(CLUSTER) $(VENV)/bin/python -m pytest --part cluster tests/cluster

# In .build/adapters: what a framework brings does not go with what another one needs.
test-adapters: $(LIGHT)
	@$(VENV)/bin/python build_support/adapters/run.py

soak: $(DEV)
	$(VENV)/bin/python -m pytest tests/soak --soak --timeout 5400
	LAMLAM_CONFORMANCE_EXAMPLES=2000 $(VENV)/bin/python -m pytest \
	  tests/memory_backends/conformance/test_conformance.py -k model --timeout 5400
	$(VENV)/bin/python build_support/under_load.py $(VENV)/bin/python -m pytest --part others --part programs --part training
	LAMLAM_TEST_NEO4J_LTS=5.26.12 LAMLAM_REQUIRE_NEO4J=1 $(VENV)/bin/python -m pytest \
	  --part neo4j --require-neo4j
	LAMLAM_SOAK=1 LAMLAM_TEST_CONTAINERS=only build_support/test.sh -k killed

lint: $(DEV)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/pyright
	$(VENV)/bin/python build_support/adapters/run.py --types

bench: $(LIGHT)
	$(VENV)/bin/lamlam bench decode
	$(VENV)/bin/lamlam bench lookup --facts 1000000

clean:
	@[ ! -d .build/containers ] || build_support/containers.sh down
	rm -rf $(VENV) $(FLOORS) $(CLUSTER) .build/adapters build dist lamlam.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Stamps: a second `make demo` has nothing to do but run.
$(LIGHT): pyproject.toml build_support/setup.sh build_support/constraints.txt build_support/lean_llama.cmake
	@build_support/setup.sh light
	@touch $@

$(DEV): $(LIGHT)
	@build_support/setup.sh dev
	@touch $@

$(CLUSTER)/.ready: $(DEV) pyproject.toml
	@rm -rf $(CLUSTER)
	@$(VENV)/bin/python -m pip install --quiet --target $(CLUSTER) 'ray[data]>=2.51'
	@touch $@

$(FLOORS)/.ready: pyproject.toml build_support/setup.sh build_support/floors.py build_support/lean_llama.cmake
	@build_support/setup.sh floors
	@touch $@
