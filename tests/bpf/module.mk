# SPDX-License-Identifier: Apache-2.0
# The programs behind tests/bpf/*_test. Included by the Makefile.
ATTACH_TEST_SOURCES := $(sort $(wildcard tests/bpf/attach/*.c))
PACKETS_TEST_SOURCES := $(sort $(wildcard tests/bpf/packets/*.c))
OBJECT_TEST_SOURCES := $(sort $(wildcard tests/bpf/object/*.c))
ATTACH_TEST_OBJECTS := $(ATTACH_TEST_SOURCES:%.c=$(BUILD)/%.o)
PACKETS_TEST_OBJECTS := $(PACKETS_TEST_SOURCES:%.c=$(BUILD)/%.o)
OBJECT_TEST_OBJECTS := $(OBJECT_TEST_SOURCES:%.c=$(BUILD)/%.o)
PACKETS_TESTS := $(patsubst tests/bpf/packets/%.c,$(BUILD)/tests/bpf/%, \
	$(filter %_test.c,$(PACKETS_TEST_SOURCES)))
OBJECT_TESTS := $(patsubst tests/bpf/object/%.c,$(BUILD)/tests/bpf/%,$(OBJECT_TEST_SOURCES))

$(BUILD)/tests/bpf/%.o: tests/bpf/%.c $(BUILD)/flags | $(SKELETON)
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(ALL_CPPFLAGS) -I. $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/bpf/attach_test: $(ATTACH_TEST_OBJECTS) $(ARCHIVE)
	$(call say,LINK,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PACKAGES_LIBS) -lpthread

# Each *_test.c is a program; all of them link with the rest of the folder.
$(PACKETS_TESTS): $(BUILD)/tests/bpf/%: $(BUILD)/tests/bpf/packets/%.o \
		$(filter-out %_test.o,$(PACKETS_TEST_OBJECTS)) $(ARCHIVE)
	$(call say,LINK,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PACKAGES_LIBS)

$(OBJECT_TESTS): $(BUILD)/tests/bpf/%: $(BUILD)/tests/bpf/object/%.o
	$(call say,LINK,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PACKAGES_LIBS)

# One variable of each relocated struct of vmlinux.h, so that the BTF of the object has all members.
$(BUILD)/tests/bpf/vmlinux.c: vmlinux.h
	@mkdir -p $(@D)
	@{ echo '#include "vmlinux.h"'; \
		sed -n -e '/clang attribute push/,/clang attribute pop/{' \
			-e 's/^struct \([a-z0-9_]*\) {$$/struct \1 any_\1;/p' -e '}' $<; } > $@

$(BUILD)/tests/bpf/vmlinux.o: $(BUILD)/tests/bpf/vmlinux.c $(ROOT)/bpf/flags
	$(call say,BPF,$@)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

fast-programs: $(BUILD)/tests/bpf/attach_test $(PACKETS_TESTS) $(OBJECT_TESTS) \
	$(BUILD)/tests/bpf/vmlinux.o

-include $(patsubst %.o,%.d,$(ATTACH_TEST_OBJECTS) $(PACKETS_TEST_OBJECTS) $(OBJECT_TEST_OBJECTS))
