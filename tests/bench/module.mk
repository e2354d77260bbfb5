# SPDX-License-Identifier: Apache-2.0
# The bench's own programs in build/bench. Included by the Makefile; tests/bench/run calls `make
# bench-programs`.
BENCH_PROGRAMS := packets stats bulk http https start floor_server
BENCH_OBJECTS := $(BENCH_PROGRAMS:%=$(BUILD)/tests/bench/%.o)
BENCH_SKELETON := $(ROOT)/include/floor.skel.h

$(ROOT)/tests/bench/floor.bpf.o: tests/bench/floor.bpf.c $(ROOT)/bpf/flags
	@mkdir -p $(@D)
	$(call say,BPF,$@)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(BENCH_SKELETON): $(ROOT)/tests/bench/floor.bpf.o
	@mkdir -p $(@D)
	$(call say,GEN,$@)$(BPFTOOL) gen skeleton $< name floor > $@

$(BENCH_OBJECTS): $(BUILD)/tests/bench/%.o: tests/bench/%.c $(BUILD)/flags | $(SKELETON) \
	$(BENCH_SKELETON)
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BENCH_PROGRAMS:%=$(BUILD)/bench/%): $(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PACKAGES_LIBS) -lpthread

bench-programs: $(BENCH_PROGRAMS:%=$(BUILD)/bench/%)

-include $(BENCH_OBJECTS:.o=.d) $(ROOT)/tests/bench/floor.bpf.d
.PHONY: bench-programs
