// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/lib/log/line.c: a line has its message and its fields, each with the value that it was
 * given. The input: the room for an escaped text (1 byte), a time (4 bytes), the text. A NUL in it
 * ends a value, and begins the next field's.
 */
#include "text.h"

#include "lib/log/line.h"

/* Reads what stands between quotes as JSON does; the caller frees it. */
static char *unescape(const char *text, size_t size)
{
	char *to = malloc(size + 1), *end = to;

	for (size_t i = 0; i < size; i++) {
		unsigned int code;

		CHECK(!text_is_control(text + i) && text[i] != '"', "a bare 0x%02x", text[i]);
		if (text[i] != '\\') {
			*end++ = text[i];
			continue;
		}
		CHECK(++i < size, "a cut escape");
		switch (text[i]) {
		case 'n': *end++ = '\n'; break;
		case 'r': *end++ = '\r'; break;
		case 't': *end++ = '\t'; break;
		case '"':
		case '\\': *end++ = text[i]; break;
		default:
			CHECK(text[i] == 'u' && i + 4 < size &&
				      sscanf(text + i + 1, "%4x", &code) == 1,
			      "an escape \\%c", text[i]);
			i += 4;
			if (code == 0xfffd) {
				end = mempcpy(end, UTF8_REPLACEMENT, 3);
			} else {
				CHECK(code < 0x20 || (code >= 0x7f && code < 0xa0), "\\u%04x",
				      code);
				if (code >= 0x80)
					*end++ = (char)0xc2;
				*end++ = (char)code;
			}
		}
	}
	*end = '\0';
	return to;
}

static void check_escaped(const char *escaped, size_t length, const char *message)
{
	const size_t mark = strlen(LOG_CUT_MARK);
	char *want = text_repaired(message), *got;

	CHECK(text_is_utf8(escaped, length));
	if (length >= mark && !memcmp(escaped + length - mark, LOG_CUT_MARK, mark)) {
		got = unescape(escaped, length - mark);
		/* The mark may belong to the message: then nothing was cut. */
		CHECK(!strncmp(got, want, strlen(got)), "cut, and not the beginning");
	} else {
		got = unescape(escaped, length);
		CHECK(!strcmp(got, want), "not what was said");
	}
	free(got);
	free(want);
}

static void check_time(int64_t seconds)
{
	char time[LOG_TIME_SIZE];
	int fields[7], n;

	memset(time, 'x', sizeof(time));
	log_time_format(time, seconds, 999999999);
	n = sscanf(time, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &fields[0], &fields[1], &fields[2],
		   &fields[3], &fields[4], &fields[5], &fields[6]);
	CHECK(n == 7 && strnlen(time, sizeof(time)) == 24 && time[23] == 'Z', "%.24s", time);
	CHECK(fields[1] >= 1 && fields[1] <= 12 && fields[2] >= 1 && fields[2] <= 31 &&
		      fields[3] < 24 && fields[4] < 60 && fields[5] < 60,
	      "%s", time);
}

/* Reads `text` at *at, which has to begin with it. */
static void expect(const char **at, const char *text)
{
	CHECK(!strncmp(*at, text, strlen(text)), "%.40s, and not %s", *at, text);
	*at += strlen(text);
}

/*
 * Reads a value: between quotes, or (`bare`: logfmt) a word that needs none; `want` is the text it
 * was made of.
 */
static void expect_value(const char **at, bool bare, const char *want)
{
	const char *begin = *at, *end;

	if (bare && *begin != '"') {
		size_t length = strcspn(begin, " \n");

		CHECK(length && strlen(want) == length && !memcmp(begin, want, length),
		      "not the word %s", want);
		CHECK(strcspn(begin, "\"\\=") >= length, "a word that needs quotes");
		*at += length;
		return;
	}
	expect(at, "\"");
	for (end = *at; *end != '"'; end += *end == '\\' ? 2 : 1)
		CHECK(*end && *end != '\n', "a value without an end");
	check_escaped(*at, (size_t)(end - *at), want);
	*at = end + 1;
}

#define TEXTS_MAX 6

static void check_line(bool json, char *const texts[], size_t count, uint32_t number)
{
	static const char *const NAMES[TEXTS_MAX] = { "",     "proxy", "interface",
						      "path", "error", "action" };
	const char *const separator = json ? ",\"" : " ", *const equals = json ? "\":" : "=";
	struct log_field fields[TEXTS_MAX + 3] = {};
	char line[LOG_LINE_SIZE + 1], value[32];
	const char *at = line;
	size_t used = 0, length;

	fields[used++] = field_unsigned("count", number);
	for (size_t i = 1; i < count; i++)
		fields[used++] = field_text(NAMES[i], texts[i]);
	fields[used++] = field_signed("status", -(int64_t)number);
	length = log_line_format(line, json, "t", LOG_LEVEL_WARN, "health", texts[0], fields);
	CHECK(length <= LOG_LINE_SIZE && memchr(line, '\n', length) == line + length - 1,
	      "not one line");
	line[length] = '\0';

	expect(&at, json ? "{\"time\":\"t\",\"level\":\"warn\",\"process\":\"health\",\"msg\":"
			 : "time=t level=warn process=health msg=");
	expect_value(&at, false, texts[0]);
	snprintf(value, sizeof(value), "count%s%u", equals, number);
	expect(&at, separator);
	expect(&at, value);
	for (size_t i = 1; i < count; i++) {
		expect(&at, separator);
		expect(&at, NAMES[i]);
		expect(&at, equals);
		expect_value(&at, !json, texts[i]);
	}
	snprintf(value, sizeof(value), "status%s%lld", equals, -(long long)number);
	expect(&at, separator);
	expect(&at, value);
	CHECK(!strcmp(at, json ? "}\n" : "\n"), "%s behind the fields", at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *texts[TEXTS_MAX], *out;
	size_t room, length, count = 0;
	uint32_t seconds;

	if (size < 5)
		return 0;
	room = 16 + data[0];
	memcpy(&seconds, data + 1, 4);
	check_time(seconds);
	check_time((int64_t)seconds << 6);
	for (size_t from = 5; from <= size && count < TEXTS_MAX; from += strlen(texts[count++]) + 1)
		texts[count] = fuzz_string(data + from, size - from);
	out = malloc(room);
	length = log_escape(out, room, texts[0]);
	CHECK(length < room && out[length] == '\0', "%zu of %zu bytes", length, room);
	check_escaped(out, length, texts[0]);
	free(out);
	check_line(false, texts, count, seconds);
	check_line(true, texts, count, seconds);
	while (count)
		free(texts[--count]);
	return 0;
}
