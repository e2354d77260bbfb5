# SPDX-License-Identifier: Apache-2.0
# userspace/**/*.c → objects → archive (what tests link with) → program. -MMD: a changed header rebuilds what includes it.
SOURCES := $(sort $(shell find userspace -name '*.c'))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
ARCHIVE := $(BUILD)/libwgsocks.a

# Renamed into place: whoever starts the program meanwhile gets the old one or the new one.
$(BUILD)/wgsocks_exporter: $(BUILD)/userspace/main.o $(ARCHIVE)
	$(call say,LINK,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@.new $^ $(PACKAGES_LIBS) && mv $@.new $@

$(ARCHIVE): $(filter-out %/main.o,$(OBJECTS)) $(BUILD)/objects
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $(filter %.o,$^)

# Headers that are made come before the first compilation, which does not know yet who includes them.
PAGE_ASSETS := $(ROOT)/include/page-assets.h
$(BUILD)/userspace/%.o: userspace/%.c $(BUILD)/flags | $(SKELETON) $(ROOT)/include/version-values.h $(PAGE_ASSETS)
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Written, under -n too (+), only when their content changes: other flags rebuild all, a file added or removed only the archive.
$(BUILD)/flags: FORCE
	+@$(PKG_CONFIG) --exists $(PACKAGES) 2>/dev/null || { echo "A library is missing ($(PACKAGES)): run make deps" >&2; exit 1; }
	+@mk/write-if-changed $@ '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(PACKAGES_LIBS)'

$(BUILD)/objects: FORCE
	+@mk/write-if-changed $@ '$(OBJECTS)'

# The page's style and script are files of their own, to be edited as what they are.
$(PAGE_ASSETS): userspace/web/page/page.css userspace/web/page/page.js mk/embed
	@mkdir -p $(@D)
	$(call say,EMBED,$@)mk/embed PAGE_CSS=userspace/web/page/page.css PAGE_JS=userspace/web/page/page.js > $@

# Only version.c includes this, so a new commit rebuilds that and links.
$(ROOT)/include/version-values.h: FORCE
	+@mk/version $(CC) | mk/write-if-changed $@

-include $(OBJECTS:.o=.d)
FORCE:
.PHONY: FORCE
