# Every command of this repository. `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

VENV := .cache/venv/bin
FOLDER ?=
SECONDS ?= 30
KILLS ?=
SEED ?=
LANGUAGES ?= rust

# In the order in which a mistake shows soonest.
LINTS := locks lint-rust lint-python doc platforms lint-node
STAGES := locks lint-rust lint-python doc rust platforms torture loom python node lint-node examples demo-small

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' \
	  '/^##@/ { printf "\n%s\n", substr($$0, 5) } \
	   /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nPYTHON=python3.12 picks another interpreter. Start with: make demo\n'

##@ The ones that do everything, set-up included

.PHONY: demo demo-folder demo-durable test
demo: demo-folder setup ## Compress a folder (FOLDER=., default this one) in three languages and compare
	@scripts/demo $(if $(FOLDER),"$(FOLDER)")

# Before minutes of building.
demo-folder:
	@test -z "$(FOLDER)" || test -d "$(FOLDER)" || { echo 'FOLDER=$(FOLDER): there is no such folder' >&2; exit 1; }

demo-durable: setup ## Submit in Python to a file, stop, run in Node and in Rust, and watch from Python
	@scripts/demo-durable

test: ## Run every check and test, stage by stage
	@scripts/stages $(STAGES)

##@ Tests, one part at a time

.PHONY: rust torture planted loom python node examples demo-small
rust: ## Rust tests and the examples of the documentation
	cargo test --workspace

# With what `make rust` has built.
torture: ## Kill processes on one file, check every promise (SECONDS=30, or KILLS=10000; SEED=, LANGUAGES=rust,python,node)
	@cargo run --quiet --profile test -p bursar-torture -- --languages $(LANGUAGES) \
	  $(if $(KILLS),--kills $(KILLS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

planted: ## Put known bugs back in, one at a time, and see each one caught
	@scripts/planted

loom: ## Every interleaving of what locks (loom), with a target folder of its own
	RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test -p bursar-core --test loom --release

python: setup-python ## Python tests, CPython's own tests of thread pools among them
	tests=$$(scripts/cpython-tests) && cd bindings-python && BURSAR_CPYTHON_TESTS=$$tests ../$(VENV)/python -m pytest

node: setup-node ## Node tests
	cd bindings-node && npm test

examples: setup ## Run every example and compare what it prints; kill the main job and go on
	@scripts/examples
	@$(VENV)/python scripts/killed

demo-small: setup ## The demo on a small folder, as the tests run it
	@scripts/demo core

##@ Checks that run nothing of ours

.PHONY: lint locks lint-rust lint-python lint-node doc platforms
lint: ## All of the checks below
	@scripts/stages $(LINTS)

locks: ## Lockfiles fit, and name no host but the public registries
	@scripts/check-locks

lint-rust: ## rustfmt and clippy
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

lint-python: setup-tools ## ruff and pyright strict
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	@ls -d bindings-python/python bindings-python/tests/typing examples/python >/dev/null # pyright skips what is missing
	node_modules/.bin/pyright

lint-node: setup-node ## biome and tsc strict
	node_modules/.bin/biome check --error-on-warnings
	npm run lint --workspaces

doc: ## Build the Rust documentation; warnings are errors
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

platforms: ## Types and lints on macOS and Windows; runs nothing there (adds the targets by rustup)
	@scripts/platforms

##@ Everyday

.PHONY: fmt bench ready clean
fmt: setup-tools ## Format everything
	cargo fmt --all
	$(VENV)/ruff check --fix-only
	$(VENV)/ruff format
	node_modules/.bin/biome check --write

bench: setup-bench ## Run the benches and write benches/RESULTS.md
	@benches/run

ready: ## Exactly what continuous integration runs
	@bash .ci/run

clean: ## Delete what was built, the caches too
	cargo clean
	rm -rf .cache node_modules */node_modules */*/node_modules bindings-node/dist
	find bindings-python bindings-node -name '*.so' -delete -o -name '*.node' -delete

##@ Set-up; the commands above call it, and it is quick when nothing changed

.PHONY: setup setup-tools setup-python setup-node setup-bench lock-python
setup: setup-python setup-node ## All of it

setup-tools: ## Developer tools of Python and Node
	@scripts/setup-python tools
	@scripts/setup-node tools

setup-python: ## .cache/venv with the Python package built into it
	@scripts/setup-python

setup-node: ## node_modules and the Node package, built
	@scripts/setup-node

setup-bench: ## The above, and the libraries that the benches compare with
	@scripts/setup-python bench
	@scripts/setup-node bench

lock-python: ## Take the newest Python tools into requirements/*.txt
	@scripts/lock-python
