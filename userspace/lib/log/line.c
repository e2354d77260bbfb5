// SPDX-License-Identifier: Apache-2.0
#include "lib/log/line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
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
	snprintf(out, LOG_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		 (unsigned int)(tm.tm_year + 1900) % 10000, (unsigned int)(tm.tm_mon + 1) % 100,
		 (unsigned int)tm.tm_mday % 100, (unsigned int)tm.tm_hour % 100,
		 (unsigned int)tm.tm_min % 100, (unsigned int)tm.tm_sec % 100,
		 (unsigned int)(nanoseconds / (long)NS_PER_MS) % 1000);
}

/* Writes the escaped form of the character at `text`; `*read` is its length in bytes. */
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
	if (length == 2 && c == 0xc2 && (unsigned char)text[1] < 0xa0) /* C1 control character */
		c = (unsigned char)text[1];
	else if (length > 1 || (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)) {
		memcpy(out, text, length);
		return length;
	}
	shorthand = strchr("\"\"\\\\\nn\rr\tt", c); /* pairs: a character and its escape letter */
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

static size_t escape(char *out, size_t size, const char *text, size_t text_size)
{
	const size_t mark = sizeof(LOG_CUT_MARK); /* with NUL */
	/* Bytes after `size` cannot fit: do not scan a megabyte. */
	size_t left = strnlen(text, text_size < size ? text_size : size);
	size_t used = 0, fits = 0; /* fits: longest prefix that leaves room for the mark */
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

size_t log_escape(char *out, size_t size, const char *text)
{
	return escape(out, size, text, SIZE_MAX);
}

/*
 * Bytes reserved for each following field while a value is written: separator, quotes, name and
 * value.
 */
#define NAME_MAX_SIZE 24
#define FIELD_KEPT (8 + NAME_MAX_SIZE + LOG_VALUE_KEPT)
_Static_assert(LOG_FIELDS_MAX *FIELD_KEPT < LOG_LINE_SIZE / 2, "the other half is for the message");

struct line {
	char *out;
	size_t used;
	size_t kept; /* reserved for the following fields; the last bytes are "}\n" */
	bool json;
};

static void put(struct line *line, const char *text)
{
	line->used = (size_t)(stpcpy(line->out + line->used, text) - line->out);
}

static void put_name(struct line *line, const char *name)
{
	const char *format = line->json ? ",\"%.*s\":" : " %.*s=";

	line->used += (size_t)snprintf(line->out + line->used, LOG_LINE_SIZE - line->used, format,
				       NAME_MAX_SIZE, name);
}

/* Returns whether a value is one ASCII word that logfmt readers do not misread. */
static bool is_plain(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] <= ' ' || text[i] > '~' || strchr("=\"\\", text[i]))
			return false;
	return size > 0;
}

/* With `quoted`, always writes quotes, even if logfmt does not need them. */
static void put_text(struct line *line, const char *text, size_t size, bool quoted)
{
	size_t room = LOG_LINE_SIZE - line->used - line->kept - 2; /* without the quotes */
	size_t length = strnlen(text, size < room ? size : room);

	quoted = quoted || line->json || length == room || !is_plain(text, length);
	if (quoted)
		put(line, "\"");
	line->used += escape(line->out + line->used, room, text, size);
	if (quoted)
		put(line, "\"");
}

static void put_field(struct line *line, const struct log_field *field)
{
	char unknown[32];
	size_t room;

	if ((field->kind == LOG_FIELD_TEXT && !field->text) ||
	    (field->kind == LOG_FIELD_ERROR && !field->error))
		return;
	put_name(line, field->name);
	room = LOG_LINE_SIZE - line->used;
	switch (field->kind) {
	case LOG_FIELD_TEXT: put_text(line, field->text, field->size, false); break;
	case LOG_FIELD_SIGNED:
		line->used += (size_t)snprintf(line->out + line->used, room, "%" PRId64,
					       field->signed_value);
		break;
	case LOG_FIELD_UNSIGNED:
		line->used += (size_t)snprintf(line->out + line->used, room, "%" PRIu64,
					       field->unsigned_value);
		break;
	case LOG_FIELD_ERROR:
		/* strerror allocates for an unknown number. */
		put_text(line, strerror_r(abs(field->error), unknown, sizeof(unknown)), SIZE_MAX,
			 false);
	}
}

size_t log_line_format(char out[static LOG_LINE_SIZE], bool json, const char *time,
		       enum log_level level, const char *process, const char *message,
		       const struct log_field *fields)
{
	const char *head = json ? "{\"time\":\"%s\",\"level\":\"%s\"" : "time=%s level=%s";
	struct line line = { .out = out, .json = json, .kept = strlen("}\n") + 1 };
	unsigned int count = 0;

	while (count < LOG_FIELDS_MAX && fields[count].name)
		count++;
	line.kept += count * FIELD_KEPT;
	line.used = (size_t)snprintf(out, LOG_LINE_SIZE, head, time, LEVELS[level]);
	if (process) {
		put_name(&line, "process");
		put_text(&line, process, 32, false);
	}
	put_name(&line, "msg");
	put_text(&line, message, SIZE_MAX, true);
	for (unsigned int i = 0; i < count; i++) {
		line.kept -= FIELD_KEPT;
		put_field(&line, &fields[i]);
	}
	put(&line, json ? "}\n" : "\n");
	return line.used;
}
