// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/verifier.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(verifier, keeps_the_last_lines_and_the_name)
{
	char message[4096] = "libbpf: prog 'dns_udp': -- BEGIN PROG LOAD LOG --\n", line[32];
	struct verifier_log log = {};

	for (int i = 1; i <= 30; i++) {
		snprintf(line, sizeof(line), "line %d\n", i);
		strcat(message, line);
	}
	strcat(message, "-- END PROG LOAD LOG --\n");
	cr_assert(verifier_log_take(&log, message));
	cr_expect_str_eq(log.program, "dns_udp");
	cr_expect_eq(strncmp(log.text, "line 11\n", 8), 0, "%s", log.text);
	cr_expect_str_eq(strrchr(log.text, '\n'), "\nline 30");
	verifier_log_free(&log);
	cr_expect_null(log.text);
	cr_expect_str_eq(log.program, "");
}

Test(verifier, a_short_log_is_whole)
{
	struct verifier_log log = {};

	cr_assert(verifier_log_take(
		&log,
		"libbpf: prog 'a': -- BEGIN PROG LOAD LOG --\nR1 !read_ok\nprocessed 1 insns\n"
		"-- END PROG LOAD LOG --\n"));
	cr_expect_str_eq(log.text, "R1 !read_ok\nprocessed 1 insns");
	cr_expect(verifier_log_take(
		&log, "libbpf: prog 'b': -- BEGIN PROG LOAD LOG --\nx\n-- END PROG LOAD LOG --\n"));
	cr_expect_str_eq(log.program, "a", "the first is kept");
	verifier_log_free(&log);
}

Test(verifier, nothing_else_is_a_log)
{
	struct verifier_log log = {};

	cr_expect_not(verifier_log_take(
		&log, "libbpf: prog 'a': BPF program load failed: Permission denied\n"));
	cr_expect_not(verifier_log_take(&log, "libbpf: -- BEGIN PROG LOAD LOG --\n"));
	cr_expect_not(verifier_log_take(&log, ""));
	cr_expect_null(log.text);
	cr_expect(verifier_log_take(&log, "libbpf: prog 'a': -- BEGIN PROG LOAD LOG --\n"));
	cr_expect_str_eq(log.text, "");
	verifier_log_free(&log);
}
