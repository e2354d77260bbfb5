# SPDX-License-Identifier: Apache-2.0
# One variable for each folder, so that a distribution can set it.
PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share/wgsocks_exporter
DOCDIR ?= $(PREFIX)/share/doc/wgsocks_exporter
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSCONFDIR ?= $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)

UNITS := $(wildcard packaging/systemd/*.service)
RULES := $(wildcard monitoring/prometheus/rules/*.yml)
SCRAPES := $(wildcard monitoring/prometheus/*.yml)
DASHBOARDS := $(wildcard monitoring/grafana/dashboards/*.json)

# The units in the tree name /usr/sbin and /etc/default; the installed units name the real paths. An
# existing settings file stays.
install: $(BUILD)/wgsocks_exporter
install: ## install program, man page, units, rules, dashboards, docs; PREFIX=/usr/local, DESTDIR
	install -D -m 0755 $(BUILD)/wgsocks_exporter $(DESTDIR)$(SBINDIR)/wgsocks_exporter
	install -D -m 0644 man/wgsocks_exporter.8 $(DESTDIR)$(MANDIR)/man8/wgsocks_exporter.8
	install -d $(DESTDIR)$(UNITDIR)
	$(foreach unit,$(notdir $(UNITS)),sed \
		's|/usr/sbin/|$(SBINDIR)/|; s|/etc/default/|$(SYSCONFDIR)/default/|' \
		packaging/systemd/$(unit) \
		>$(DESTDIR)$(UNITDIR)/$(unit) && chmod 0644 $(DESTDIR)$(UNITDIR)/$(unit) &&) :
	test -e $(DESTDIR)$(SYSCONFDIR)/default/wgsocks_exporter || \
		install -D -m 0644 packaging/systemd/wgsocks_exporter.default \
			$(DESTDIR)$(SYSCONFDIR)/default/wgsocks_exporter
	install -D -m 0644 -t $(DESTDIR)$(DATADIR)/prometheus $(SCRAPES)
	install -D -m 0644 -t $(DESTDIR)$(DATADIR)/prometheus/rules $(RULES)
	$(if $(DASHBOARDS),install -D -m 0644 -t $(DESTDIR)$(DATADIR)/grafana $(DASHBOARDS))
	mk/install-docs $(DESTDIR)$(DOCDIR)

uninstall: ## remove installed files, except a changed SYSCONFDIR/default/wgsocks_exporter
	rm -f $(DESTDIR)$(SBINDIR)/wgsocks_exporter $(DESTDIR)$(MANDIR)/man8/wgsocks_exporter.8
	rm -f $(addprefix $(DESTDIR)$(UNITDIR)/,$(notdir $(UNITS)))
	rm -rf $(DESTDIR)$(DATADIR) $(DESTDIR)$(DOCDIR)
	! cmp -s packaging/systemd/wgsocks_exporter.default \
		$(DESTDIR)$(SYSCONFDIR)/default/wgsocks_exporter || \
		rm -f $(DESTDIR)$(SYSCONFDIR)/default/wgsocks_exporter

deb: ## build a Debian package in build/deb (Debian 12, 13, Ubuntu 24.04)
	@mk/deps build deb
	@mk/deb

image: ## build the container image with docker; BASE=debian:12-slim, IMAGE=NAME
	@BASE=$(BASE) IMAGE=$(IMAGE) mk/image

.PHONY: install uninstall deb image
