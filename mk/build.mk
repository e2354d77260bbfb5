# SPDX-License-Identifier: Apache-2.0
# userspace/**/*.c → objects → archive (tests link with it) → program. -MMD: a changed header
# rebuilds the files that include it.
SOURCES := $(sort $(shell find userspace -name '*.c'))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
ARCHIVE := $(BUILD)/libwgsocks.a

# Renamed into place, so that a start during the link runs the complete old or new program.
$(BUILD)/wgsocks_exporter: $(BUILD)/userspace/main.o $(ARCHIVE)
	$(call say,LINK,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@.new $^ $(PACKAGES_LIBS) && \
		mv $@.new $@

$(ARCHIVE): $(filter-out %/main.o,$(OBJECTS)) $(BUILD)/objects
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $(filter %.o,$^)

# Generated headers come before the first compilation, which has no list of includes yet.
PAGE_ASSETS := $(ROOT)/include/page-assets.h
$(BUILD)/userspace/%.o: userspace/%.c $(BUILD)/flags | $(SKELETON) \
	$(ROOT)/include/version-values.h $(PAGE_ASSETS)
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Written only when their content changes, under -n too (+). Other flags rebuild everything, an
# added or removed file only the archive.
$(BUILD)/flags: FORCE
	+@$(PKG_CONFIG) --exists $(PACKAGES) 2>/dev/null || \
		{ echo "A library is missing ($(PACKAGES)): run make deps" >&2; exit 1; }
	+@mk/write-if-changed $@ \
		'$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(PACKAGES_LIBS)'

$(BUILD)/objects: FORCE
	+@mk/write-if-changed $@ '$(OBJECTS)'

# The style and script of the page are separate files, so that editors know their language.
$(PAGE_ASSETS): userspace/web/page/page.css userspace/web/page/page.js mk/embed
	@mkdir -p $(@D)
	$(call say,EMBED,$@)mk/embed PAGE_CSS=userspace/web/page/page.css \
		PAGE_JS=userspace/web/page/page.js > $@

# Only version.c includes this header, so a new commit compiles one file and links.
$(ROOT)/include/version-values.h: FORCE
	+@mk/version $(CC) | mk/write-if-changed $@

-include $(OBJECTS:.o=.d)
FORCE:
.PHONY: FORCE
