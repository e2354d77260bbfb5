// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/lib/log/line.c: a message is one line, of one string between its quotes, which says what the message said.
 * The input: the room for it (1 byte), a time (4 bytes), the message.
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
			CHECK(text[i] == 'u' && i + 4 < size && sscanf(text + i + 1, "%4x", &code) == 1,
			      "an escape \\%c", text[i]);
			i += 4;
			if (code == 0xfffd) {
				end = mempcpy(end, UTF8_REPLACEMENT, 3);
			} else {
				CHECK(code < 0x20 || (code >= 0x7f && code < 0xa0), "\\u%04x", code);
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
		/* It may be a message that ends so by itself, and was not cut. */
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
	n = sscanf(time, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &fields[0], &fields[1], &fields[2], &fields[3], &fields[4],
		   &fields[5], &fields[6]);
	CHECK(n == 7 && strnlen(time, sizeof(time)) == 24 && time[23] == 'Z', "%.24s", time);
	CHECK(fields[1] >= 1 && fields[1] <= 12 && fields[2] >= 1 && fields[2] <= 31 && fields[3] < 24 &&
		      fields[4] < 60 && fields[5] < 60,
	      "%s", time);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char line[LOG_LINE_SIZE];
	static const char HEAD[] = "{\"time\":\"t\",\"level\":\"warn\",\"process\":\"health\",\"msg\":\"";
	size_t room, length;
	char *message, *out;
	uint32_t seconds;

	if (size < 5)
		return 0;
	room = 16 + data[0];
	memcpy(&seconds, data + 1, 4);
	check_time(seconds);
	check_time((int64_t)seconds << 6);
	message = fuzz_string(data + 5, size - 5);
	out = malloc(room);
	length = log_escape(out, room, message);
	CHECK(length < room && out[length] == '\0', "%zu of %zu bytes", length, room);
	check_escaped(out, length, message);
	free(out);

	length = log_line_format(line, true, "t", LOG_LEVEL_WARN, "health", message);
	CHECK(length <= sizeof(line) && line[length - 1] == '\n' &&
		      memchr(line, '\n', sizeof(line)) == line + length - 1,
	      "not one line");
	CHECK(!memcmp(line, HEAD, strlen(HEAD)) && !memcmp(line + length - 3, "\"}\n", 3));
	check_escaped(line + strlen(HEAD), length - strlen(HEAD) - 3, message);
	length = log_line_format(line, false, "t", LOG_LEVEL_ERROR, NULL, message);
	CHECK(length <= sizeof(line) && memchr(line, '\n', sizeof(line)) == line + length - 1, "not one line");
	free(message);
	return 0;
}
