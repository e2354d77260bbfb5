# SPDX-License-Identifier: Apache-2.0
# make deps | all | install | clean | lint | check | demo | bench: see README.md
BUILD ?= build
CC ?= gcc
CLANG ?= clang
BPFTOOL ?= bpftool
PKGS := libbpf libmicrohttpd libmnl libcap-ng libseccomp

MAKEFLAGS += -rR --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:

all: $(BUILD)/wgsocks_exporter

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
CPPFLAGS := -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -Iinclude -I$(BUILD)/include
CFLAGS ?= -O2 -g
CFLAGS_ALL := -std=gnu11 -Wall -Wextra -Werror -fPIE -fstack-protector-strong $(CFLAGS) $(shell pkg-config --cflags $(PKGS))
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
LDLIBS_ALL := $(shell pkg-config --libs $(PKGS))

SOURCES := $(sort $(shell find userspace -name '*.c'))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)

$(BUILD)/wgsocks_exporter: $(OBJECTS)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS_ALL)

$(BUILD)/userspace/%.o: userspace/%.c | $(BUILD)/include/wgsocks.skel.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

BPF_OBJECTS := $(patsubst bpf/%.bpf.c,$(BUILD)/bpf/%.bpf.o,$(sort $(wildcard bpf/*.bpf.c)))
BPF_ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) -g -O2 -Wall -Wextra -Werror -target bpf -mcpu=v2 -D__TARGET_ARCH_$(BPF_ARCH) -I. -Iinclude -Ibpf -MMD -MP -c -o $@ $<

$(BUILD)/bpf/wgsocks.o: $(BPF_OBJECTS)
	$(BPFTOOL) gen object $@ $^

$(BUILD)/include/wgsocks.skel.h: $(BUILD)/bpf/wgsocks.o
	@mkdir -p $(@D)
	$(BPFTOOL) gen skeleton $< name wgsocks > $@

clean:
	rm -rf $(BUILD)

-include $(OBJECTS:.o=.d) $(BPF_OBJECTS:.o=.d)
.PHONY: all clean
