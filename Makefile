# Two commands matter: `make demo` and `make test`. Both install what they need on Debian 12, by name.

CARGO ?= cargo
EDGEMART_CORPUS ?=
DEMO_FLAGS ?=
SOAK_ROUNDS ?= 200
CONFORMANCE_FLAGS ?=
FUZZ_SECONDS ?= 60

PYTHON_SAMPLE = target/samples/python

.PHONY: demo test samples samples-python packages axe azurite corpus conformance soak bench fuzz check docs shots

## Builds and runs the demo marketplace on 127.0.0.1:8080; with the Python sample where `make samples-python` built it.
demo: samples
	$(CARGO) build -p edgemart
	./target/debug/edgemart demo $(if $(wildcard $(PYTHON_SAMPLE)/index.json),--more-samples $(PYTHON_SAMPLE)) $(DEMO_FLAGS)

## Everything: formatting, lints, unit, both engines, registry clients, pipeline, kill tests, browser.
test: packages axe azurite samples samples-python
	samples/build.sh test
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) test --workspace --no-fail-fast

## Debian packages that the tests talk to.
packages:
	scripts/packages.sh

## The accessibility checker that the browser tests run on every page.
axe: packages
	scripts/axe.sh

## The Azure Blob server of the storage tests.
azurite: packages
	scripts/azurite.sh

## The pictures of the README, taken anew from the running demo.
shots: axe samples
	EDGEMART_SHOTS="$(CURDIR)/docs/images" $(CARGO) test --workspace --test browser pictures

## The sample modules for linux/amd64, linux/arm64 and linux/arm/v7.
samples:
	samples/build.sh build

## The sample on the official Python SDK, for the same platforms; a minute or two, most of it downloads.
samples-python:
	python3 samples/python/build.py

## Manifests and routes of the field: make corpus EDGEMART_CORPUS=FOLDER
corpus:
	@test -d "$(EDGEMART_CORPUS)" || { echo "EDGEMART_CORPUS must name the folder with deployments/ and route-grammar-oracle.json" >&2; exit 1; }
	EDGEMART_CORPUS="$(abspath $(EDGEMART_CORPUS))" $(CARGO) test --workspace --test corpus

## The official conformance suite against a real server; writes docs/reference/conformance.md. Needs Go 1.24 or newer.
conformance: packages samples
	$(CARGO) build --workspace --bins --examples
	scripts/conformance.py $(CONFORMANCE_FLAGS)

## The kill tests, many times over: at random moments, and at each step of push, mount, delete, collection and import.
soak: packages samples
	EDGEMART_KILL_ROUNDS=$(SOAK_ROUNDS) $(CARGO) test --workspace --test fleet kill

## Side-by-side measurements; see bench/README.md.
bench: packages samples
	bench/run.sh

## Every fuzz target for FUZZ_SECONDS, one after another; needs nightly and cargo-fuzz.
fuzz:
	FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/fuzz.sh
