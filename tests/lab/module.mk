# SPDX-License-Identifier: Apache-2.0
# The lab's own programs: traffic, target, churn, inner, proxies and blind, in build/.
# The Makefile includes this file.
LAB_CFLAGS := -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror
LAB_TRAFFIC := traffic kind socks tally session dialogue exchange stream pattern
LAB_TARGET := target pattern
LAB_OBJECTS = $(sort $(patsubst %,$(BUILD)/tests/lab/traffic/%.o, \
	$(LAB_TRAFFIC) $(LAB_TARGET) churn inner proxies))

lab: $(BUILD)/traffic $(BUILD)/target $(BUILD)/churn $(BUILD)/inner $(BUILD)/proxies \
	$(BUILD)/blind $(BUILD)/blind.bpf.o

$(BUILD)/tests/lab/traffic/%.o: tests/lab/traffic/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(LAB_CFLAGS) $(if $(CFLAGS),$(CFLAGS),-O2 -g) -MMD -MP -c -o $@ $<

$(BUILD)/traffic: $(LAB_TRAFFIC:%=$(BUILD)/tests/lab/traffic/%.o)
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^

$(BUILD)/target: $(LAB_TARGET:%=$(BUILD)/tests/lab/traffic/%.o)
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^

$(BUILD)/churn $(BUILD)/inner $(BUILD)/proxies: $(BUILD)/%: $(BUILD)/tests/lab/traffic/%.o
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^

$(BUILD)/blind.bpf.o: tests/lab/blind.bpf.c
	@mkdir -p $(@D)
	$(call say,BPF,$@)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/blind: tests/lab/blind.c
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(LAB_CFLAGS) -O2 -g -o $@ $< -lbpf

-include $(LAB_OBJECTS:.o=.d) $(BUILD)/blind.bpf.d
.PHONY: lab
