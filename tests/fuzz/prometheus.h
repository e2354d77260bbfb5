/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the text format 0.0.4 as strictly as its specification; an error ends the run. */
#pragma once

#include <ctype.h>

#include "text.h"

#define SERIES_LABELS_MAX 8

struct series {
	const char *name;
	size_t name_length;
	char *labels[SERIES_LABELS_MAX]; /* values, unescaped */
	int label_count;
	double value;
	char number[64];
};

typedef void series_callback(const struct series *series, void *context);

static inline const char *read_name(const char *at, const char *end)
{
	CHECK(at < end && (isalpha((unsigned char)*at) || *at == '_'), "no name");
	while (at < end && (isalnum((unsigned char)*at) || *at == '_'))
		at++;
	return at;
}

/* name="value", unescaped into memory of its own. Returns the end. */
static inline const char *read_label(const char *at, const char *end, struct series *s)
{
	char *value, *to;

	at = read_name(at, end);
	CHECK(end - at > 2 && at[0] == '=' && at[1] == '"', "no value of a label");
	at += 2;
	value = to = malloc((size_t)(end - at) + 1);
	for (; at < end && *at != '"'; at++) {
		if (*at == '\\') {
			at++;
			CHECK(at < end && (*at == '\\' || *at == '"' || *at == 'n'), "an escape");
			*to++ = *at == 'n' ? '\n' : *at;
		} else {
			*to++ = *at;
		}
	}
	CHECK(at < end, "a label without an end");
	*to = '\0';
	CHECK(s->label_count < SERIES_LABELS_MAX);
	s->labels[s->label_count++] = value;
	return at + 1;
}

static inline void read_series(const char *at, const char *end, series_callback *callback,
			       void *context)
{
	struct series s = { .name = at };
	char *stop;

	at = read_name(at, end);
	s.name_length = (size_t)(at - s.name);
	if (at < end && *at == '{') {
		do
			at = read_label(at + 1, end, &s);
		while (at < end && *at == ',');
		CHECK(at < end && *at == '}', "labels without an end");
		at++;
	}
	CHECK(at < end && *at == ' ' && (size_t)(end - at) < sizeof(s.number), "no value");
	at++;
	memcpy(s.number, at, (size_t)(end - at));
	s.value = strtod(s.number, &stop);
	CHECK(s.number[0] && s.number[0] != ' ' && !*stop, "%s is no number", s.number);
	if (callback)
		callback(&s, context);
	while (s.label_count)
		free(s.labels[--s.label_count]);
}

/* Returns the number of series. */
static inline size_t prometheus_read(const char *text, size_t size, series_callback *callback,
				     void *context)
{
	const char *at = text, *all;
	size_t count = 0;

	if (!size) /* then there may be no text */
		return 0;
	all = text + size;
	CHECK(text[size - 1] == '\n');
	CHECK(text_is_utf8(text, size));
	while (at < all) {
		const char *end = memchr(at, '\n', (size_t)(all - at));

		if (*at == '#') {
			CHECK(!strncmp(at, "# HELP ", 7) || !strncmp(at, "# TYPE ", 7), "%.20s",
			      at);
		} else {
			read_series(at, end, callback, context);
			count++;
		}
		at = end + 1;
	}
	return count;
}
