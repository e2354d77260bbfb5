# SPDX-License-Identifier: Apache-2.0
# tests/fuzz/targets/*.c: libFuzzer programs of one file each in build/fuzz. Included by the
# Makefile. clang compiles the tested files a second time, with coverage, ASan and UBSan.
FUZZ := $(BUILD)/fuzz
FUZZ_TARGETS := $(sort $(basename $(notdir $(wildcard tests/fuzz/targets/*.c))))
FUZZ_PROGRAMS := $(FUZZ_TARGETS:%=$(FUZZ)/%)
FUZZ_TESTED := $(sort $(wildcard userspace/lib/config/*.c userspace/lib/exposition/*.c \
	userspace/lib/log/*.c userspace/lib/metrics/*.c userspace/lib/snapshot/*.c \
	userspace/lib/text/*.c userspace/lib/version/*.c userspace/collector/discovery/*.c)) \
	$(addprefix userspace/collector/destinations/,dns_answer.c names.c geoip.c) \
	$(addprefix userspace/collector/kernel/,destination_table.c destination_country.c) \
	userspace/collector/attach/tc.c userspace/collector/wireguard/device.c \
	userspace/collector/wireguard/message.c userspace/collector/wireguard/uapi_parse.c \
	userspace/health/http_request.c \
	userspace/health/target.c userspace/web/request/scrape_options.c \
	userspace/web/request/negotiate.c userspace/web/auth/basic.c \
	$(wildcard userspace/lib/web_config/*.c) \
	userspace/lib/process/shared.c $(wildcard userspace/web/page/*.c)
FUZZ_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ_CFLAGS := -std=gnu11 -O1 -g $(WARNINGS) -Wno-missing-prototypes $(FUZZ_SANITIZE) \
	-fsanitize=fuzzer-no-link $(PACKAGES_CFLAGS)
FUZZ_LDFLAGS := $(FUZZ_SANITIZE) -fsanitize=fuzzer

$(FUZZ)/%.o: %.c $(BUILD)/flags | $(ROOT)/include/version-values.h $(PAGE_ASSETS)
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)$(CLANG) $(ALL_CPPFLAGS) -I. -Itests -Itests/fuzz $(FUZZ_CFLAGS) \
		-MMD -MP -c -o $@ $<

$(FUZZ)/tested.a: $(FUZZ_TESTED:%.c=$(FUZZ)/%.o)
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $^

$(FUZZ_PROGRAMS): $(FUZZ)/%: $(FUZZ)/tests/fuzz/targets/%.o $(FUZZ)/tested.a
	$(call say,LINK,$@)$(CLANG) $(FUZZ_LDFLAGS) -o $@ $^ -lmnl -lmaxminddb -lyaml -lm

# Without clang's runtime nothing is built, and tests/fuzz/run says so.
fuzz-programs: $(ROOT)/include/version-values.h
	@rm -f $(FUZZ)/programs
	@if CLANG='$(CLANG)' tests/fuzz/runtime; then $(MAKE) fuzz-build; fi

fuzz-build: $(FUZZ_PROGRAMS)
	+@mk/write-if-changed $(FUZZ)/programs '$(FUZZ_TARGETS)'

check-programs: fuzz-programs

-include $(FUZZ_TESTED:%.c=$(FUZZ)/%.d) $(FUZZ_TARGETS:%=$(FUZZ)/tests/fuzz/targets/%.d)
.PHONY: fuzz-programs fuzz-build
.SECONDARY: $(FUZZ_TARGETS:%=$(FUZZ)/tests/fuzz/targets/%.o)
