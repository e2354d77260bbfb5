// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
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
		{ "\xc2\x9bm", "\\u009bm" },	      /* C1: a terminal may take it for ESC [ */
		{ "a\xff\xc3(", "a\\ufffd\\ufffd(" }, /* no UTF-8 */
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
 * Every size: the output fits, is whole characters and whole escapes, and ends with the mark only
 * when something was cut.
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
			cr_assert_neq(whole[length - mark - 1] == '\\' &&
					      whole[length - mark - 2] != '\\',
				      1, "%s", out);
			for (size_t i = 0; i < length; i += utf8_length(out + i, length - i))
				cr_assert(utf8_length(out + i, length - i), "size %zu: %s", size,
					  out);
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

static const struct log_field NONE[] = { {} };

static const char *line(char out[static LOG_LINE_SIZE + 1], bool json, const char *process,
			const char *message, const struct log_field *fields)
{
	out[log_line_format(out, json, "2026-11-22T19:18:33.042Z", LOG_LEVEL_WARN, process, message,
			    fields)] = '\0';
	return out;
}

Test(log_line, logfmt_and_json)
{
	char out[LOG_LINE_SIZE + 1];

	cr_expect_str_eq(line(out, false, "web", "no \"wg0\" yet", NONE),
			 "time=2026-11-22T19:18:33.042Z level=warn process=web msg=\"no "
			 "\\\"wg0\\\" yet\"\n");
	cr_expect_str_eq(line(out, false, NULL, "x", NONE),
			 "time=2026-11-22T19:18:33.042Z level=warn msg=\"x\"\n");
	cr_expect_str_eq(line(out, true, "web", "x\n", NONE),
			 "{\"time\":\"2026-11-22T19:18:33.042Z\",\"level\":\"warn\",\"process\":"
			 "\"web\",\"msg\":\"x\\n\"}\n");
	cr_expect_str_eq(
		line(out, true, NULL, "", NONE),
		"{\"time\":\"2026-11-22T19:18:33.042Z\",\"level\":\"warn\",\"msg\":\"\"}\n");
}

/* One field of each kind, and values that logfmt has to quote. */
Test(log_line, fields)
{
	static const struct {
		struct log_field field;
		const char *logfmt, *json;
	} CASES[] = {
		{ { "proxy", LOG_FIELD_TEXT, .text = "golden-crab", .size = SIZE_MAX },
		  " proxy=golden-crab",
		  ",\"proxy\":\"golden-crab\"" },
		{ { "proxy", LOG_FIELD_TEXT, .text = "golden-crab", .size = 6 },
		  " proxy=golden",
		  ",\"proxy\":\"golden\"" },
		{ { "proxy", LOG_FIELD_TEXT, .text = "golden\0crab", .size = 11 },
		  " proxy=golden",
		  ",\"proxy\":\"golden\"" },
		{ { "path", LOG_FIELD_TEXT, .text = "", .size = SIZE_MAX },
		  " path=\"\"",
		  ",\"path\":\"\"" },
		{ { "path", LOG_FIELD_TEXT, .text = "a b", .size = SIZE_MAX },
		  " path=\"a b\"",
		  ",\"path\":\"a b\"" },
		{ { "path", LOG_FIELD_TEXT, .text = "a=b", .size = SIZE_MAX },
		  " path=\"a=b\"",
		  ",\"path\":\"a=b\"" },
		{ { "path", LOG_FIELD_TEXT, .text = "a\"b\n\xff", .size = SIZE_MAX },
		  " path=\"a\\\"b\\n\\ufffd\"",
		  ",\"path\":\"a\\\"b\\n\\ufffd\"" },
		{ { "path", LOG_FIELD_TEXT, .text = "a\\b", .size = SIZE_MAX },
		  " path=\"a\\\\b\"",
		  ",\"path\":\"a\\\\b\"" },
		{ { "path", LOG_FIELD_TEXT, .text = "ü", .size = SIZE_MAX },
		  " path=\"ü\"",
		  ",\"path\":\"ü\"" },
		{ { "path", LOG_FIELD_TEXT, .text = NULL }, "", "" },
		{ { "bytes", LOG_FIELD_SIGNED, .signed_value = INT64_MIN },
		  " bytes=-9223372036854775808",
		  ",\"bytes\":-9223372036854775808" },
		{ { "count", LOG_FIELD_UNSIGNED, .unsigned_value = UINT64_MAX },
		  " count=18446744073709551615",
		  ",\"count\":18446744073709551615" },
		{ { "error", LOG_FIELD_ERROR, .error = -EPERM },
		  " error=\"Operation not permitted\"",
		  ",\"error\":\"Operation not permitted\"" },
		{ { "error", LOG_FIELD_ERROR, .error = 99999 },
		  " error=\"Unknown error 99999\"",
		  ",\"error\":\"Unknown error 99999\"" },
		{ { "error", LOG_FIELD_ERROR, .error = 0 }, "", "" },
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		const struct log_field fields[] = { CASES[i].field,
						    field_unsigned("port", 1080),
						    {} };
		char out[LOG_LINE_SIZE + 1], expected[256];

		snprintf(expected, sizeof(expected),
			 "time=2026-11-22T19:18:33.042Z level=warn msg=\"x\"%s port=1080\n",
			 CASES[i].logfmt);
		cr_expect_str_eq(line(out, false, NULL, "x", fields), expected);
		snprintf(expected, sizeof(expected),
			 "{\"time\":\"2026-11-22T19:18:33.042Z\",\"level\":\"warn\",\"msg\":\"x\"%"
			 "s,\"port\":1080}\n",
			 CASES[i].json);
		cr_expect_str_eq(line(out, true, NULL, "x", fields), expected);
	}
}

Test(log_line, constructors_of_fields)
{
	const struct log_field fields[] = {
		field_text("proxy", "crab"), field_bytes("path", "/abc", 2),
		field_signed("bytes", -1),   field_unsigned("count", 1),
		field_error(ENOENT),	     {},
	};
	char out[LOG_LINE_SIZE + 1];

	cr_expect_str_eq(line(out, false, NULL, "x", fields),
			 "time=2026-11-22T19:18:33.042Z level=warn msg=\"x\" proxy=crab path=/a "
			 "bytes=-1 count=1 "
			 "error=\"No such file or directory\"\n");
}

Test(log_line, a_long_message_is_cut)
{
	char message[3 * LOG_LINE_SIZE], out[LOG_LINE_SIZE + 1];

	memset(message, '"', sizeof(message));
	message[sizeof(message) - 1] = '\0';
	for (int json = 0; json < 2; json++) {
		const char *end = json ? LOG_CUT_MARK "\"}\n" : LOG_CUT_MARK "\"\n";

		line(out, json, "collector", message, NONE);
		cr_expect_leq(strlen(out), LOG_LINE_SIZE);
		cr_expect_geq(strlen(out), LOG_LINE_SIZE - 16);
		cr_expect_str_eq(out + strlen(out) - strlen(end), end);
	}
}

/*
 * Whichever values are long: each field is there, short values are whole, and the line ends as it
 * must.
 */
Test(log_line, long_values_are_cut_and_no_field_is_lost)
{
	static const char *const NAMES[] = { "f0", "f1", "f2", "f3", "f4",  "f5",
					     "f6", "f7", "f8", "f9", "f10", "f11" };
	char text[3 * LOG_LINE_SIZE], out[LOG_LINE_SIZE + 1];
	struct log_field fields[LOG_FIELDS_MAX + 2] = {};

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (unsigned int mask = 0; mask < 1u << LOG_FIELDS_MAX; mask++) {
		for (size_t i = 0; i < LOG_FIELDS_MAX; i++)
			fields[i] = field_text(NAMES[i], mask & 1u << i ? text : "short");
		for (int json = 0; json < 2; json++) {
			line(out, json, "collector", mask % 3 ? "x" : text, fields);
			cr_assert_leq(strlen(out), LOG_LINE_SIZE);
			cr_assert_str_eq(out + strlen(out) - (json ? 2 : 1), json ? "}\n" : "\n");
			for (size_t i = 0; i < LOG_FIELDS_MAX; i++) {
				char want[64];
				const char *at;

				snprintf(want, sizeof(want),
					 json ? ",\"%s\":\"" : " %s=", NAMES[i]);
				at = strstr(out, want);
				cr_assert_not_null(at, "mask %x: %s", mask, want);
				at += strlen(want);
				if (!(mask & 1u << i))
					cr_assert_eq(
						strncmp(at, json ? "short\"" : "short", 5 + json),
						0, "mask %x: %s", mask, want);
				else
					cr_assert_geq(strspn(at + !json, "x"), LOG_VALUE_KEPT - 16,
						      "mask %x: %s", mask, want);
			}
		}
	}
}

Test(log_line, fields_beyond_the_most_are_left_out)
{
	struct log_field fields[LOG_FIELDS_MAX + 2] = {};
	char out[LOG_LINE_SIZE + 1];
	unsigned int count = 0;

	for (size_t i = 0; i <= LOG_FIELDS_MAX; i++)
		fields[i] = field_unsigned("count", i);
	for (const char *at = line(out, false, NULL, "x", fields); (at = strstr(at, " count="));
	     at++)
		count++;
	cr_expect_eq(count, LOG_FIELDS_MAX);
}
