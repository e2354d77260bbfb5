# SPDX-License-Identifier: Apache-2.0
# `make help` tells what there is. Variables: BUILD (build), V, CC, CFLAGS, CLANG, BPFTOOL, PREFIX (/usr/local), DESTDIR.
MAKEFLAGS += -rR --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:

# One short line for each step; V=1 shows the commands, -s says nothing.
SILENT := $(findstring s,$(firstword -$(filter-out --%,$(MAKEFLAGS))))
say = $(if $(V),,@$(if $(SILENT),,printf '  %-5s %s\n' $(1) $(2);))

# The folder of what is compiled for users and of the tests' programs; the kernel side is the same for each variant and lies in ROOT.
ROOT := build
BUILD ?= $(ROOT)

# What has to be built before tests uses every processor, unless make was told how many.
JOBS := $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

all: $(BUILD)/wgsocks_exporter ## build the program (default)

help: ## print this
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

deps: ## install what build, tests and demo need (Debian 12, 13, Ubuntu 24.04; as root)
	@mk/deps build test kernels deb

# The programs that the rules below need are looked for when make reads them, so what installs them runs in a make before.
check: ## run every test; the last line is "N passed, M failed, K skipped"
	@mk/deps build test kernels deb
	@command -v go >/dev/null || mk/deps charts
	@$(MAKE) $(JOBS) check-programs
	@tests/run

check-fast: ## the tests of a minute: lint, unit tests, BPF programs
	@mk/deps build test
	@$(MAKE) $(JOBS) fast-programs
	@tests/run --kind lint --kind unit --kind bpf

demo: ## two real proxies behind two real tunnels, the truth beside the metrics; ONCE=1 ends by itself
	@mk/deps build test
	@$(MAKE) $(JOBS) all lab
	@tests/demo/demo

bench: ## one table of figures, each beside its limit
	@mk/deps build test bench
	@$(MAKE) $(JOBS) all lab
	@tests/bench/run

fuzz: ## look for input that breaks a parser, TIME=60 seconds for each
	@mk/deps build test
	@$(MAKE) $(JOBS) fuzz-programs
	@tests/fuzz/run --keep --time $(or $(TIME),60)

lint: ## format and form of the sources, words and form of the texts, licences
	@mk/deps build test
	@$(MAKE) $(JOBS) lint-programs
	@tests/run --kind lint

check-debian13: ## build and unit tests in a Debian 13 folder
	@mk/deps build test
	@tests/run --kind debian13

check-deb: ## build the Debian package; install, upgrade, remove and purge it under a systemd of its own
	@mk/deps build test deb
	@$(MAKE) $(JOBS) all lab variants
	@tests/run --kind deb

check-image: ## build the container image with a Docker of its own; run it as sidecar and as agent; kill, restart, upgrade
	@mk/deps build test
	@$(MAKE) $(JOBS) all lab variants
	@tests/run --kind image

check-compose: ## packaging/compose, all of it but Grafana, with a Docker of its own
	@mk/deps build test compose
	@$(MAKE) $(JOBS) all lab
	@tests/run --kind compose

check-kubernetes: ## the chart on a real Kubernetes of one node, built from its Go modules (half an hour of CPU, once)
	@mk/deps build test kernels
	@command -v go >/dev/null || mk/deps charts
	@$(MAKE) $(JOBS) all lab variants
	@tests/run --kind kubernetes

check-ways: ## each way in that README.md tells, from nothing, in a fresh Debian folder
	@mk/deps build test
	@tests/run --kind ways

check-kernels: ## BPF, truth, dialogues and WireGuard on Debian's 6.1 with kernel WireGuard, in an emulated machine (no KVM, no root)
	@mk/deps build test kernels
	@$(MAKE) $(JOBS) check-programs
	@KERNELS_FORM=whole tests/run --kind kernels --limit 1200

clean: ## remove what was built
	rm -rf --one-file-system $(ROOT)

.PHONY: all help deps check check-fast demo bench fuzz lint check-debian13 check-deb check-image check-compose check-kubernetes check-ways check-kernels clean

include mk/flags.mk mk/bpf.mk mk/build.mk mk/install.mk mk/tests.mk
-include $(wildcard tests/*/module.mk)
