# SPDX-License-Identifier: Apache-2.0
# tests/unit/**/*.c: one Criterion program for each file, linked with the archive.
UNIT_SOURCES := $(sort $(shell find tests/unit -name '*.c' 2>/dev/null))
UNIT_PROGRAMS := $(UNIT_SOURCES:%.c=$(BUILD)/%)
CRITERION_CFLAGS := $(shell $(PKG_CONFIG) --cflags criterion 2>/dev/null)
CRITERION_LIBS := $(shell $(PKG_CONFIG) --libs criterion 2>/dev/null)

# An older tree may have left a program with the name of a folder.
$(BUILD)/tests/unit/%.o: tests/unit/%.c $(BUILD)/flags | $(SKELETON) $(PAGE_ASSETS)
	@[ ! -f $(@D) ] || rm -f $(@D)
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(ALL_CPPFLAGS) -I. -Itests/unit $(ALL_CFLAGS) \
		-Wno-missing-prototypes -Wno-write-strings $(CRITERION_CFLAGS) \
		-MMD -MP -c -o $@ $<

$(UNIT_PROGRAMS): %: %.o $(ARCHIVE)
	$(call say,LINK,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $@.o $(ARCHIVE) \
		$(PACKAGES_LIBS) $(CRITERION_LIBS)

# tests/run runs the programs in this list, so a program without source is not run.
unit-programs: $(UNIT_PROGRAMS) ## build the unit tests (tests/run --kind unit runs them)
	+@mk/write-if-changed $(BUILD)/tests/unit/programs '$(UNIT_PROGRAMS)'

# A separate make, with another BUILD and other flags.
sanitize: $(SKELETON) $(ROOT)/include/version-values.h $(PAGE_ASSETS)
sanitize: ## build program and unit tests with ASan and UBSan in build/sanitize
	@$(MAKE) BUILD=$(ROOT)/sanitize SANITIZE=1 $(ROOT)/sanitize/wgsocks_exporter unit-programs

# Variants for the tests of exactness: slow BPF programs, which make the recursion guard act, and a
# small session map, which is soon full.
variants: $(ROOT)/include/version-values.h
variants: ## build the variants for the tests of exactness in build/slow and build/small
	@$(MAKE) ROOT=$(ROOT)/slow CPPFLAGS=-DWGSOCKS_SLOW all
	@$(MAKE) ROOT=$(ROOT)/small CPPFLAGS=-DABI_SESSIONS_MAX=64 all

# Programs of lint, unit tests and BPF tests.
fast-programs: all unit-programs lint-programs

check-programs: fast-programs sanitize variants $(if $(wildcard tests/lab/module.mk),lab)

lint-programs: $(SKELETON) $(ROOT)/include/version-values.h $(PAGE_ASSETS)

-include $(UNIT_PROGRAMS:%=%.d)
.PHONY: unit-programs sanitize variants fast-programs check-programs lint-programs
