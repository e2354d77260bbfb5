// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/web/request/scrape_options.c: any header gives a time within the bounds. A plain number
 * gives that number of seconds, limited and less the margin.
 */
#include "fuzz.h"

#include "lib/time.h"
#include "web/request/scrape_options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	uint64_t ns = scrape_timeout_ns(text);
	size_t digits = strspn(text, "0123456789");

	CHECK(ns <= 300000 * NS_PER_MS - 500 * NS_PER_MS, "%llu", (unsigned long long)ns);
	if (!*text || *text == '-')
		CHECK(ns == 9500 * NS_PER_MS, "%llu", (unsigned long long)ns);
	if (digits && digits < 4 && !text[digits]) {
		uint64_t seconds = strtoul(text, NULL, 10), want;

		seconds = !seconds ? 10 : seconds > 300 ? 300 : seconds;
		want = seconds * 1000 * NS_PER_MS -
		       (seconds < 10 ? seconds * 50 * NS_PER_MS : 500 * NS_PER_MS);
		CHECK(ns + 1 >= want && ns <= want + 1, "%llu, not %llu", (unsigned long long)ns,
		      (unsigned long long)want);
	}
	free(text);
	return 0;
}
