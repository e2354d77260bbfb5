// SPDX-License-Identifier: Apache-2.0
#include "lib/log/line.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/text/utf8.h"
#include "lib/time.h"

static const char *const LEVELS[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_ERROR] = "error",
};

void log_time_format(char out[static LOG_TIME_SIZE], int64_t seconds, long nanoseconds)
{
	time_t time = seconds;
	struct tm tm = { 0 };

	gmtime_r(&time, &tm);
	snprintf(out, LOG_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned int)(tm.tm_year + 1900) % 10000,
		 (unsigned int)(tm.tm_mon + 1) % 100, (unsigned int)tm.tm_mday % 100, (unsigned int)tm.tm_hour % 100,
		 (unsigned int)tm.tm_min % 100, (unsigned int)tm.tm_sec % 100,
		 (unsigned int)(nanoseconds / (long)NS_PER_MS) % 1000);
}

/* The escaped form of the character at `text`; `*read` is how many bytes of it that were. */
static size_t escape_character(char out[static 8], const char *text, size_t size, size_t *read)
{
	static const char HEX[] = "0123456789abcdef";
	unsigned char c = (unsigned char)text[0];
	size_t length = utf8_length(text, size);
	const char *shorthand;

	*read = length ? length : 1;
	if (!length) {
		memcpy(out, "\\ufffd", 6);
		return 6;
	}
	if (length == 2 && c == 0xc2 && (unsigned char)text[1] < 0xa0) /* C1 */
		c = (unsigned char)text[1];
	else if (length > 1 || (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)) {
		memcpy(out, text, length);
		return length;
	}
	shorthand = strchr("\"\"\\\\\nn\rr\tt", c); /* pairs: the character, then what stands for it */
	if (shorthand) {
		out[0] = '\\';
		out[1] = shorthand[1];
		return 2;
	}
	memcpy(out, "\\u00", 4);
	out[4] = HEX[c >> 4];
	out[5] = HEX[c & 15];
	return 6;
}

size_t log_escape(char *out, size_t size, const char *text)
{
	const size_t mark = sizeof(LOG_CUT_MARK); /* with the NUL */
	size_t left = strnlen(text, size);	  /* what is beyond cannot fit anyway: no walk through a megabyte */
	size_t used = 0, fits = 0;		  /* fits: the longest prefix that leaves room for the mark */
	char character[8];

	while (left) {
		size_t read, length = escape_character(character, text, left, &read);

		if (used + length >= size) {
			memcpy(out + fits, LOG_CUT_MARK, mark);
			return fits + mark - 1;
		}
		memcpy(out + used, character, length);
		used += length;
		if (used + mark <= size)
			fits = used;
		text += read;
		left -= read;
	}
	out[used] = '\0';
	return used;
}

size_t log_line_format(char out[static LOG_LINE_SIZE], bool json, const char *time, enum log_level level,
		       const char *process, const char *message)
{
	const char *head = json ? "{\"time\":\"%s\",\"level\":\"%s\"" : "time=%s level=%s";
	const char *middle = json ? ",\"process\":\"%.32s\"" : " process=%.32s";
	const char *tail = json ? "\"}\n" : "\"\n";
	size_t length;

	length = (size_t)snprintf(out, LOG_LINE_SIZE, head, time, LEVELS[level]);
	if (process)
		length += (size_t)snprintf(out + length, LOG_LINE_SIZE - length, middle, process);
	length += (size_t)snprintf(out + length, LOG_LINE_SIZE - length, json ? ",\"msg\":\"" : " msg=\"");
	length += log_escape(out + length, LOG_LINE_SIZE - length - strlen(tail), message);
	memcpy(out + length, tail, strlen(tail));
	return length + strlen(tail);
}
