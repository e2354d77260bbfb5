# SPDX-License-Identifier: Apache-2.0
# Flags of compilers and linkers. Without the tools, nothing here may fail or print anything.
ifneq ($(filter default undefined,$(origin CC)),)
CC := gcc
endif
CLANG ?= clang
AR := ar
PKG_CONFIG ?= pkg-config
# Ubuntu 24.04 has bpftool in a folder of any kernel version, Debian in /usr/sbin, which is not in a
# user's PATH.
BPFTOOL ?= $(firstword \
	$(shell command -v bpftool >/dev/null && bpftool version >/dev/null 2>&1 && echo bpftool) \
	$(wildcard /usr/lib/linux-tools/*/bpftool) $(wildcard /usr/lib/linux-tools-*/bpftool) \
	/usr/sbin/bpftool)

PACKAGES := libbpf libmicrohttpd libmnl libcap-ng libseccomp libmaxminddb gnutls yaml-0.1 \
	libcrypt zlib
PACKAGES_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
PACKAGES_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null)
MACHINE := $(shell uname -m)

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-field-initializers \
	-Wformat-security -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wshadow -Wstrict-prototypes -Wundef -Wvla -Wwrite-strings

ifdef SANITIZE
HARDENING := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
HARDENING_LINK := -fsanitize=address,undefined
else
HARDENING := -fstack-protector-strong -fstack-clash-protection \
	$(if $(filter x86_64,$(MACHINE)),-fcf-protection) \
	$(if $(filter -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
HARDENING_LINK := -Wl,-z,relro,-z,now,-z,noexecstack
endif

ALL_CPPFLAGS := -D_GNU_SOURCE -Iinclude -Iuserspace -I$(ROOT)/include $(CPPFLAGS)
ALL_CFLAGS := -std=gnu11 $(WARNINGS) -fPIE $(HARDENING) $(PACKAGES_CFLAGS) $(CFLAGS)
ALL_LDFLAGS := -pie $(HARDENING_LINK) -Wl,--as-needed $(LDFLAGS)
