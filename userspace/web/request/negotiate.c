// SPDX-License-Identifier: Apache-2.0
#include "web/request/negotiate.h"

#include <string.h>
#include <strings.h>

#define Q_MAX 1000u

/* A part of a header field. */
struct piece {
	const char *at;
	size_t size;
};

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct piece trimmed(struct piece p)
{
	while (p.size && blank(*p.at)) {
		p.at++;
		p.size--;
	}
	while (p.size && blank(p.at[p.size - 1]))
		p.size--;
	return p;
}

/* Removes the part before the next separator outside quotation marks from `rest`. */
static struct piece piece_take(struct piece *rest, char separator)
{
	struct piece taken = { .at = rest->at };
	bool quoted = false;

	while (taken.size < rest->size && (quoted || rest->at[taken.size] != separator)) {
		if (rest->at[taken.size] == '"')
			quoted = !quoted;
		else if (quoted && rest->at[taken.size] == '\\' && taken.size + 1 < rest->size)
			taken.size++;
		taken.size++;
	}
	rest->at += taken.size;
	rest->size -= taken.size;
	if (rest->size) {
		rest->at++;
		rest->size--;
	}
	return trimmed(taken);
}

static bool is(struct piece p, const char *word)
{
	return p.size == strlen(word) && !strncasecmp(p.at, word, p.size);
}

/* Only three decimals count. An invalid weight is 1, as in Prometheus's Go library. */
static unsigned int weight_parse(struct piece p)
{
	unsigned int q, unit = Q_MAX;

	if (!p.size || (*p.at != '0' && *p.at != '1'))
		return Q_MAX;
	q = *p.at == '1' ? Q_MAX : 0;
	if (p.size > 1 && p.at[1] != '.')
		return Q_MAX;
	for (size_t i = 2; i < p.size; i++) {
		if (p.at[i] < '0' || p.at[i] > '9')
			return Q_MAX;
		unit /= 10;
		q += (unsigned int)(p.at[i] - '0') * unit;
	}
	return q < Q_MAX ? q : Q_MAX;
}

struct element {
	struct piece name, version;
	unsigned int q;
};

static struct element element_parse(struct piece rest)
{
	struct element e = { .name = piece_take(&rest, ';'), .q = Q_MAX };

	while (rest.size) {
		struct piece value = piece_take(&rest, ';');
		struct piece key = piece_take(&value, '=');

		value = trimmed(value);
		if (value.size >= 2 && *value.at == '"' && value.at[value.size - 1] == '"')
			value = (struct piece){ value.at + 1, value.size - 2 };
		if (is(key, "q"))
			e.q = weight_parse(value);
		else if (is(key, "version"))
			e.version = value;
	}
	return e;
}

/* Whether an element names a supported format. */
static bool format_find(const struct element *e, enum exposition_format *format)
{
	if (is(e->name, "application/openmetrics-text") &&
	    (!e->version.size || is(e->version, "1.0.0"))) {
		*format = EXPOSITION_OPENMETRICS;
		return true;
	}
	*format = EXPOSITION_TEXT;
	return is(e->name, "text/plain") && (!e->version.size || is(e->version, "0.0.4"));
}

void wishes_accept(struct wishes *wishes, const char *value, size_t size)
{
	struct piece rest = { value, size };

	while (rest.size) {
		struct element e = element_parse(piece_take(&rest, ','));
		enum exposition_format format;

		if (!format_find(&e, &format) || e.q <= wishes->format_q)
			continue;
		wishes->format = format;
		wishes->format_q = e.q;
	}
}

void wishes_encoding(struct wishes *wishes, const char *value, size_t size)
{
	struct piece rest = { value, size };

	while (rest.size) {
		struct element e = element_parse(piece_take(&rest, ','));

		if (is(e.name, "gzip") || is(e.name, "x-gzip")) {
			wishes->gzip_named = true;
			wishes->gzip_q = e.q;
		} else if (is(e.name, "identity")) {
			wishes->identity_named = true;
			wishes->identity_q = e.q;
		} else if (is(e.name, "*")) {
			wishes->other_named = true;
			wishes->other_q = e.q;
		}
	}
}

bool wishes_gzip(const struct wishes *wishes)
{
	unsigned int gzip = wishes->gzip_named	  ? wishes->gzip_q
			    : wishes->other_named ? wishes->other_q
						  : 0;

	return gzip && (!wishes->identity_named || gzip >= wishes->identity_q);
}
