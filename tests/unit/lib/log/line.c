// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "lib/log/line.h"
#include "lib/text/utf8.h"

Test(log_time, equals_the_c_library)
{
	/* Each day of two eras of the calendar, at a time of day that wanders. */
	for (int64_t day = 0; day < 2 * 146097; day++) {
		time_t seconds = day * 86400 + day * 7919 % 86400;
		char ours[LOG_TIME_SIZE], theirs[64];
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%S.042Z", &tm);
		log_time_format(ours, seconds, 42999999);
		if (strcmp(ours, theirs) != 0)
			cr_assert_fail("%lld: %s, not %s", (long long)seconds, ours, theirs);
	}
}

Test(log_escape, what_a_quoted_string_may_hold)
{
	static const struct {
		const char *text, *escaped;
	} CASES[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "a=\"b\\c\"", "a=\\\"b\\\\c\\\"" },
		{ "a\nb\rc\td", "a\\nb\\rc\\td" },
		{ "\x1b[31m\x7f\x01", "\\u001b[31m\\u007f\\u0001" },
		{ "Grüße, 世界 🦀", "Grüße, 世界 🦀" },
		{ "\xc2\x9bm", "\\u009bm" },		     /* C1: a terminal may take it for ESC [ */
		{ "a\xff\xc3(", "a\\ufffd\\ufffd(" },	     /* no UTF-8 */
		{ "\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd" }, /* a surrogate */
		{ "end\xe2\x82", "end\\ufffd\\ufffd" },
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		char out[128];
		size_t length = log_escape(out, sizeof(out), CASES[i].text);

		cr_expect_str_eq(out, CASES[i].escaped);
		cr_expect_eq(length, strlen(out));
	}
}

/*
 * Every size: the output fits, is whole characters and whole escapes, and ends with the mark only when something was
 * cut.
 */
Test(log_escape, cut_at_any_size)
{
	static const char TEXT[] = "ab\"\n\x01\xff€🦀ü\\x";
	char whole[128], prefix[128];
	size_t full = log_escape(whole, sizeof(whole), TEXT);

	for (size_t size = 16; size < sizeof(whole); size++) {
		char *out = malloc(size); /* exact, for the sanitizer */
		size_t length = log_escape(out, size, TEXT);
		size_t mark = strlen(LOG_CUT_MARK);

		cr_assert_lt(length, size);
		cr_assert_eq(length, strlen(out));
		if (full < size) {
			cr_assert_str_eq(out, whole);
		} else {
			cr_assert_str_eq(out + length - mark, LOG_CUT_MARK);
			memcpy(prefix, out, length - mark);
			prefix[length - mark] = '\0';
			cr_assert_eq(strncmp(whole, prefix, length - mark), 0);
			cr_assert_neq(whole[length - mark - 1] == '\\' && whole[length - mark - 2] != '\\', 1, "%s",
				      out);
			for (size_t i = 0; i < length; i += utf8_length(out + i, length - i))
				cr_assert(utf8_length(out + i, length - i), "size %zu: %s", size, out);
		}
		free(out);
	}
}

Test(log_escape, a_megabyte_is_cut)
{
	size_t size = 1 << 20;
	char *text = malloc(size), out[64];

	memset(text, 'x', size);
	text[size - 1] = '\0';
	cr_expect_eq(log_escape(out, sizeof(out), text), sizeof(out) - 1);
	cr_expect_str_eq(out + sizeof(out) - 1 - strlen(LOG_CUT_MARK), LOG_CUT_MARK);
	free(text);
}

static const char *line(char out[static LOG_LINE_SIZE + 1], bool json, const char *process, const char *message)
{
	out[log_line_format(out, json, "2026-11-22T19:18:33.042Z", LOG_LEVEL_WARN, process, message)] = '\0';
	return out;
}

Test(log_line, logfmt_and_json)
{
	char out[LOG_LINE_SIZE + 1];

	cr_expect_str_eq(line(out, false, "web", "no \"wg0\" yet"),
			 "time=2026-11-22T19:18:33.042Z level=warn process=web msg=\"no \\\"wg0\\\" yet\"\n");
	cr_expect_str_eq(line(out, false, NULL, "x"), "time=2026-11-22T19:18:33.042Z level=warn msg=\"x\"\n");
	cr_expect_str_eq(
		line(out, true, "web", "x\n"),
		"{\"time\":\"2026-11-22T19:18:33.042Z\",\"level\":\"warn\",\"process\":\"web\",\"msg\":\"x\\n\"}\n");
	cr_expect_str_eq(line(out, true, NULL, ""),
			 "{\"time\":\"2026-11-22T19:18:33.042Z\",\"level\":\"warn\",\"msg\":\"\"}\n");
}

Test(log_line, a_long_one_is_whole_all_the_same)
{
	char message[3 * LOG_LINE_SIZE], out[LOG_LINE_SIZE + 1];

	memset(message, '"', sizeof(message));
	message[sizeof(message) - 1] = '\0';
	for (int json = 0; json < 2; json++) {
		const char *end = json ? LOG_CUT_MARK "\"}\n" : LOG_CUT_MARK "\"\n";

		line(out, json, "collector", message);
		cr_expect_leq(strlen(out), LOG_LINE_SIZE);
		cr_expect_geq(strlen(out), LOG_LINE_SIZE - 16);
		cr_expect_str_eq(out + strlen(out) - strlen(end), end);
	}
}
