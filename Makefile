.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# One season file of the project's own: the 2022 World Cup.
SEASON := local/seasons/2022-world-cup.json
SERVE ?=
SEED ?= 1..20
# The environment of deploy, smoke and redrive: a table of samconfig.toml.
ENV ?= demo
OPERATE := .tools/venv/bin/python deploy/operate.py
REPLAY := target/debug/local replay
LOCK := .tools/uv/bin/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-annotate \
  --custom-compile-command "make lock"
NEXTEST := .tools/venv/bin/cargo-nextest nextest run --locked --workspace

.PHONY: help setup build demo test test-fast check chaos bench pictures axe cargo-lambda schemathesis lambda-check lock sbom licences deploy smoke redrive

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## Install what the local stack needs (prints what; only once)
	@local/setup.sh

build: setup
	cargo build --locked --workspace --bins

demo: build ## Replay the 2022 World Cup on real components (SERVE=1 keeps them running)
	$(REPLAY) $(SEASON) --summary target/demo/summary.json $(if $(SERVE),--serve)

test: build ## Run every test, on real components; then compare the roles with the functions' AWS calls
	.tools/venv/bin/python -m unittest discover --start-directory deploy
	$(NEXTEST) --no-run
	target/debug/local services --calls target/aws-calls.json -- $(NEXTEST) && status=0 || status=$$?; \
	  .tools/venv/bin/python tests/slowest.py target/nextest/default/junit.xml; exit $$status
	.tools/venv/bin/python deploy/check_policies.py target/aws-calls.json --all-of deploy/expected-calls.json

test-fast: build ## Run the unit tests and the shortest way through each function
	target/debug/local services -- $(NEXTEST) --profile fast

check: setup ## Everything a change must pass
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo check --quiet --manifest-path fuzz/Cargo.toml --target-dir target
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items
	@command -v cargo-deny > /dev/null || { echo "check: installing cargo-deny…"; cargo install --locked cargo-deny; }
	cargo deny --log-level error check licenses bans sources
	SAM_CLI_TELEMETRY=0 .tools/venv/bin/sam validate --lint --region eu-central-1
	.tools/venv/bin/cfn-lint deploy/github-role.yaml
	$(MAKE) test

cargo-lambda: setup ## Install the pinned cargo-lambda in .tools/venv/bin
	@source deploy/tools.sh && use_cargo_lambda

chaos: build ## Replay the 2022 World Cup with faults chosen by seed, and compare (SEED=1..20)
	target/debug/local chaos --seed $(SEED) --jobs 3 --table docs/chaos.md $(SEASON)

pictures: build ## Take the pictures of the operator's pages, at three widths and in the dark, in target/pictures and docs
	DESK_SHOTS=$(CURDIR)/target/pictures target/debug/local services -- \
	  $(NEXTEST) --run-ignored only pictures_of_a_world_cup
	cp -r target/pictures/screen target/pictures/phone docs/pictures/

axe: build ## Check the operator's pages with axe-core (installs it in .tools; needs npm)
	mkdir -p .tools/axe
	test -f .tools/axe/package/axe.min.js || (cd .tools/axe && npm pack --silent axe-core@4 && tar xzf axe-core-*.tgz)
	AXE=$(CURDIR)/.tools/axe/package/axe.min.js target/debug/local services -- \
	  $(NEXTEST) -E 'binary(pipeline) & test(/^desk_pages::/)'

schemathesis: build ## Test the operator's API against its OpenAPI description (installs schemathesis in .tools)
	test -x .tools/schemathesis/bin/schemathesis || \
	  (python3 -m venv .tools/schemathesis && .tools/schemathesis/bin/pip install --quiet schemathesis)
	tests/schemathesis.sh

bench: setup ## Print figures: database, start, memory, pages, provider, browser (ARGS=--pages: only those)
	cargo build --locked --release --workspace --bins
	target/release/local bench $(ARGS)

lambda-check: setup ## Check what is deployed: sizes, start, roles, template (ARGS=--no-build, --no-run)
	@deploy/lambda-check.sh $(ARGS)

lock: ## Lock the Python packages that the .in files name, with hashes, for every platform
	test -x .tools/uv/bin/uv || (python3 -m venv .tools/uv && .tools/uv/bin/pip install --quiet uv==0.13.9)
	$(LOCK) local/requirements.in -o local/requirements.txt
	$(LOCK) deploy/requirements.in -c local/requirements.txt -o deploy/requirements.txt
	$(LOCK) deploy/build-requirements.in -o deploy/build-requirements.txt

sbom: ## List what each function is built from (CycloneDX), in target/sbom
	command -v cargo-cyclonedx > /dev/null || cargo install --locked cargo-cyclonedx@0.5.9
	cargo cyclonedx --format json --spec-version 1.5 --target x86_64-unknown-linux-gnu
	mkdir -p target/sbom && mv functions/*/*.cdx.json target/sbom/
	@# It writes one beside every member of the workspace.
	rm -f local/*.cdx.json shared/*.cdx.json shared/football/*.cdx.json tests/*.cdx.json

licences: ## Collect the licences of what the functions are built from, in target/licences.txt
	command -v cargo-about > /dev/null || cargo install --locked --features cli cargo-about@0.9.3
	cargo about generate --locked --offline --fail --manifest-path functions/operator-api/Cargo.toml --workspace \
	  --output-file target/licences.txt deploy/licences.hbs

deploy: setup ## Deploy an environment: migrations, code, smoke test (ENV=demo)
	@deploy/deploy.sh $(ENV)

smoke: setup ## Test a deployed environment: health, dry runs, one request to the provider (ENV=demo)
	@$(OPERATE) smoke $(ENV) $(ARGS)

redrive: setup ## Invoke again what is in the dead-letter queues (ENV=demo, ARGS=--dry-run)
	@$(OPERATE) redrive $(ENV) $(ARGS)
