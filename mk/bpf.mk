# SPDX-License-Identifier: Apache-2.0
# bpf/*.bpf.c → objects → one object (bpftool's static linker) → skeleton.
BPF_OBJECTS := $(patsubst bpf/%.bpf.c,$(ROOT)/bpf/%.bpf.o,$(sort $(wildcard bpf/*.bpf.c)))
BPF_ARCH := $(subst x86_64,x86,$(subst aarch64,arm64,$(MACHINE)))
BPF_CFLAGS := -g -O2 -Wall -Wextra -Werror -Wno-unused-parameter -target bpf -mcpu=v3 \
	-D__TARGET_ARCH_$(BPF_ARCH) -I. -Iinclude -Ibpf $(CPPFLAGS)
SKELETON := $(ROOT)/include/wgsocks.skel.h

$(ROOT)/bpf/%.bpf.o: bpf/%.bpf.c $(ROOT)/bpf/flags
	$(call say,BPF,$@)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(ROOT)/bpf/wgsocks.o: $(BPF_OBJECTS) $(ROOT)/bpf/flags
	$(call say,LINK,$@)$(BPFTOOL) gen object $@ $(BPF_OBJECTS)

$(SKELETON): $(ROOT)/bpf/wgsocks.o
	@mkdir -p $(@D)
	$(call say,GEN,$@)$(BPFTOOL) gen skeleton $< name wgsocks > $@

$(ROOT)/bpf/flags: FORCE
	+@mk/write-if-changed $@ '$(CLANG) $(BPFTOOL) $(BPF_CFLAGS) $(BPF_OBJECTS)'

-include $(BPF_OBJECTS:.o=.d)
