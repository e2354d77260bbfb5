# SPDX-License-Identifier: Apache-2.0
# `make help` lists the targets. Variables: BUILD (build), V, CC, CFLAGS, CLANG, BPFTOOL, PREFIX
# (/usr/local), DESTDIR.
MAKEFLAGS += -rR --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:

# Prints one line for each step. V=1 prints the commands, -s prints nothing.
SILENT := $(findstring s,$(firstword -$(filter-out --%,$(MAKEFLAGS))))
say = $(if $(V),,@$(if $(SILENT),,printf '  %-5s %s\n' $(1) $(2);))

# BUILD has the user-space and test programs of a variant. The BPF objects are the same for each
# variant and are in ROOT.
ROOT := build
BUILD ?= $(ROOT)

# Builds before tests use every processor, unless make has -j.
JOBS := $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

all: $(BUILD)/wgsocks_exporter ## build the program (default)

help: ## print this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

deps: ## install the packages for build, tests and demo (Debian 12, 13, Ubuntu 24.04; as root)
	@mk/deps build test kernels deb

# make looks for the programs of the rules below when it reads them, so a separate make installs
# them first.
check: ## run every test; the last line is "N passed, M failed, K skipped"
	@mk/deps build test kernels deb
	@command -v go >/dev/null || mk/deps charts
	@$(MAKE) $(JOBS) check-programs
	@tests/run

check-fast: ## run the fast tests, about a minute: lint, unit tests, BPF programs
	@mk/deps build test
	@$(MAKE) $(JOBS) fast-programs
	@tests/run --kind lint --kind unit --kind bpf

demo: ## run two real proxies and compare their metrics with independent counts; ONCE=1: do not wait
	@mk/deps build test
	@$(MAKE) $(JOBS) all lab
	@tests/demo/demo

bench: ## print a table of benchmark figures with their limits
	@mk/deps build test bench
	@$(MAKE) $(JOBS) all lab
	@tests/bench/run

fuzz: ## search for inputs that break a parser, TIME=60 seconds for each target
	@mk/deps build test
	@$(MAKE) $(JOBS) fuzz-programs
	@tests/fuzz/run --keep --time $(or $(TIME),60)

lint: ## format and form of the sources, words and form of the texts, licences
	@mk/deps build test
	@$(MAKE) $(JOBS) lint-programs
	@tests/run --kind lint

check-debian13: ## build and run the unit tests in a Debian 13 folder
	@mk/deps build test
	@tests/run --kind debian13

check-deb: ## build the Debian package; install, upgrade, remove, purge it with a private systemd
	@mk/deps build test deb
	@$(MAKE) $(JOBS) all lab variants
	@tests/run --kind deb

check-image: ## test the container image with a private Docker: sidecar, agent, restarts, upgrade
	@mk/deps build test
	@$(MAKE) $(JOBS) all lab variants
	@tests/run --kind image

check-compose: ## run packaging/compose, except Grafana, with a private Docker
	@mk/deps build test compose
	@$(MAKE) $(JOBS) all lab
	@tests/run --kind compose

check-kubernetes: ## run the chart on one-node Kubernetes, built from Go modules (first: 30 min CPU)
	@mk/deps build test kernels
	@command -v go >/dev/null || mk/deps charts
	@$(MAKE) $(JOBS) all lab variants
	@tests/run --kind kubernetes

check-ways: ## run each installation of README.md in an empty Debian folder
	@mk/deps build test
	@tests/run --kind ways

check-kernels: ## run tests on Linux 6.1 with kernel WireGuard in an emulated machine (no KVM)
	@mk/deps build test kernels
	@$(MAKE) $(JOBS) check-programs
	@KERNELS_FORM=whole tests/run --kind kernels --limit 1200

clean: ## remove what was built
	rm -rf --one-file-system $(ROOT)

.PHONY: all help deps check check-fast demo bench fuzz lint check-debian13 check-deb check-image \
	check-compose check-kubernetes check-ways check-kernels clean

include mk/flags.mk mk/bpf.mk mk/build.mk mk/install.mk mk/tests.mk
-include $(wildcard tests/*/module.mk)
