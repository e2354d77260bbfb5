# SPDX-License-Identifier: Apache-2.0
# The programs behind tests/bpf/*_test. Included by the Makefile.

# Unit tests that include the headers of bpf/ as they are.
$(BUILD)/tests/unit/bpf/%: private ALL_CPPFLAGS += -I.

ATTACH_TEST_SOURCES := $(sort $(wildcard tests/bpf/attach/*.c))
ATTACH_TEST_OBJECTS := $(ATTACH_TEST_SOURCES:%.c=$(BUILD)/%.o)

$(BUILD)/tests/bpf/attach/%.o: tests/bpf/attach/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/bpf/attach_test: $(ATTACH_TEST_OBJECTS) $(ARCHIVE)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PACKAGES_LIBS) -lpthread

check-programs: $(BUILD)/tests/bpf/attach_test

-include $(ATTACH_TEST_OBJECTS:.o=.d)
