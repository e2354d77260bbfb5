# SPDX-License-Identifier: Apache-2.0
PREFIX ?= /usr/local
INSTALLED := $(DESTDIR)$(PREFIX)

install: $(BUILD)/wgsocks_exporter ## install program, man page and licences under PREFIX (/usr/local), in DESTDIR
	install -D -m 0755 $(BUILD)/wgsocks_exporter $(INSTALLED)/sbin/wgsocks_exporter
	install -D -m 0644 man/wgsocks_exporter.8 $(INSTALLED)/share/man/man8/wgsocks_exporter.8
	install -D -m 0644 -t $(INSTALLED)/share/doc/wgsocks_exporter LICENSE $(wildcard LICENSES/*)

uninstall: ## remove what install put there
	rm -f $(INSTALLED)/sbin/wgsocks_exporter $(INSTALLED)/share/man/man8/wgsocks_exporter.8
	rm -rf $(INSTALLED)/share/doc/wgsocks_exporter

.PHONY: install uninstall
