/* SPDX-License-Identifier: Apache-2.0 */
/* Named cases, and checks that record why a case failed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "kernel.h"

struct test_case {
	const char *name;
	void (*run)(struct kernel *kernel);
};

/* Each list ends in a case without a name. */
extern const struct test_case tunnel_cases[], tunnel_segment_cases[], destination_cases[];
extern const struct test_case dialogue_cases[], stream_cases[], order_cases[], concurrency_cases[],
	header_cases[], early_cases[], settle_cases[], client_cases[];
extern const struct test_case dns_cases[], dns_stream_cases[], handshake_cases[];
extern const struct test_case fuzz_tunnel_cases[], fuzz_cases[];

/* A case continues after a failed check; the first failure is reported. Returns the condition. */
#define check(condition, ...) ((condition) ? true : (check_failed(__VA_ARGS__), false))
void check_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool check_is_failed(void);

/* Says what all checks of now are about, as in "IPv6, split at 3"; stays until the next call. */
void check_about(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Runs each case whose name contains argv[1] and prints its result. Returns the exit status. */
int cases_run(const struct test_case *const *lists, size_t count, const char *title, int argc,
	      char **argv);
