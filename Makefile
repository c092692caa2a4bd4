# What a developer does here. `make` alone lists it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export CGO_ENABLED ?= 0

VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 30s
# Where tests leave screenshots and tables of what they saw.
export ARTIFACTS ?= $(CURDIR)/artifacts
LINT := go tool -modfile=tools.mod golangci-lint
WEB := $(shell find web -path '*/node_modules' -prune -o -name '*.ts' -print -o -name '*.css' -print 2>/dev/null)

.PHONY: help run demo build web setup test test-go test-web test-pages check fmt lint vet generate fuzz bench bench-go clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: build ## build the hub and run it on https://localhost:8443
	exec bin/hub serve --print-tokens

demo: build ## run a simulated café morning, in ./data-demo
	exec bin/hub serve --demo --print-tokens

build: web ## build bin/hub, pages included
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/hub ./cmd/hub

web: web/dist/.built ## bundle the pages into web/dist
web/dist/.built: $(WEB) web/build.sh
	bash web/build.sh
	touch $@

test: setup test-go test-web test-pages ## everything: Go with the race detector, TypeScript, pages in Chromium

setup: ## install what the tests need
	@bash .ci/setup

# Without root no tmpfs can be mounted and filled; that is said, not hidden.
test-go: web ## the Go suite, with the race detector
	@[ "$$(id -u)" = 0 ] || echo "not root: leaving out the tests of a full disk" >&2
	[ "$$(id -u)" = 0 ] || export HUB_NO_MOUNT=1; \
	CGO_ENABLED=1 go test -race -shuffle=on -timeout 15m ./...
	go test -run 'TestComeAndGo|TestDrainCrowd' -timeout 10m ./transport/transporttest
	go test -run 'TestEarlyDataAfterARestart' ./transport/cert
	go test -v -run 'TestMobility' -timeout 20m ./loadtest

test-web: web ## the TypeScript client, in Node
	bash web/test.sh

test-pages: build ## the pages in headless Chromium, against the built hub
	HUB_BIN=$(CURDIR)/bin/hub bash web/e2e/test.sh

check: fmt-check vet lint generate-check ## what must be clean before a commit, beside the tests
.PHONY: fmt-check generate-check
fmt-check:
	$(LINT) fmt --diff
vet:
	go vet ./...
lint: web
	$(LINT) config verify
	$(LINT) run
generate-check:
	bash proto/generate.sh --check

fmt: ## format, and modernise
	$(LINT) fmt
generate: ## regenerate what comes from proto/hub.proto
	bash proto/generate.sh

fuzz: ## run every fuzz target for FUZZTIME each
	for p in $$(go list ./...); do for f in $$(go test -list '^Fuzz' $$p | grep ^Fuzz || true); do \
	  echo "== $$p $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p; done; done

# Run from a built program, so that it knows its commit.
bench: web ## measure the numbers to hold in twenty minutes (BENCH_QUICK=1: three minutes), and write docs/performance.*
	go build -buildvcs=auto -o bin/loadtest ./loadtest
	bin/loadtest bench
bench-go: web ## Go benchmarks of the engine
	go test -run '^$$' -bench . -benchmem ./hub/... ./event/... ./cafe/...

clean: ## remove what was built
	rm -rf bin artifacts web/dist/*
