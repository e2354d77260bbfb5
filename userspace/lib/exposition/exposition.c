// SPDX-License-Identifier: Apache-2.0
#include "lib/exposition/exposition.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/exposition/number.h"
#include "lib/metrics/metrics.h"
#include "lib/time.h"

#define SUFFIX_MAX sizeof("_bucket")
#define LE_MAX (sizeof("{,le=\"\"} \n") + NUMBER_MAX)

/* Family f is order[starts[f]] … order[starts[f + 1] - 1], in the order of its part. */
struct family_starts {
	size_t starts[METRIC_MAX + 1];
};

#define ORDER_PART(entry) ((entry) >> 32)
#define ORDER_INDEX(entry) ((uint32_t)(entry))

/* ---- order of the metric table ---- */

void exposition_free(struct exposition *e)
{
	free(e->order);
	*e = (struct exposition){ 0 };
}

/* Counts the samples of each family and finds its part: the first that has samples. */
static size_t families_count(size_t *counts, size_t *owners, const struct snapshot *parts,
			     size_t part_count)
{
	size_t total = 0;

	for (size_t part = 0; part < part_count; part++) {
		for (uint32_t i = 0; i < parts[part].sample_count; i++) {
			unsigned int family = parts[part].samples[i].family;

			if (!counts[family])
				owners[family] = part;
			if (owners[family] != part)
				continue;
			counts[family]++;
			total++;
		}
	}
	return total;
}

/* Fills e->order and *s. Returns 0 or -ENOMEM. */
static int order_fill(struct exposition *e, struct family_starts *s, const struct snapshot *parts,
		      size_t part_count)
{
	size_t next[METRIC_MAX] = { 0 }, owners[METRIC_MAX] = { 0 };
	size_t total = families_count(next, owners, parts, part_count), at = 0;

	if (total > e->order_max) {
		uint64_t *grown = reallocarray(e->order, total, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		e->order = grown;
		e->order_max = total;
	}
	for (unsigned int family = 0; family < METRIC_MAX; family++) {
		s->starts[family] = at;
		at += next[family];
		next[family] = s->starts[family];
	}
	s->starts[METRIC_MAX] = at;
	for (size_t part = 0; part < part_count; part++) {
		for (uint32_t i = 0; i < parts[part].sample_count; i++) {
			unsigned int family = parts[part].samples[i].family;

			if (owners[family] == part)
				e->order[next[family]++] = (uint64_t)part << 32 | i;
		}
	}
	return 0;
}

/* ---- text ---- */

static const uint64_t histogram_bounds[ABI_BOUNDS_MAX][ABI_HISTOGRAM_BUCKETS - 1] =
	ABI_HISTOGRAM_BOUNDS;

/* A row of the table with the lengths of its words, which each sample needs. */
struct row {
	const struct metric_family *family;
	size_t name_length, labels_length;
	size_t label_lengths[METRIC_LABELS_MAX];
};

static void row_fill(struct row *row, unsigned int family)
{
	*row = (struct row){ .family = metric_family(family) };
	row->name_length = strlen(row->family->name);
	for (unsigned int i = 0; i < row->family->label_count; i++) {
		row->label_lengths[i] = strlen(row->family->labels[i]);
		row->labels_length += row->label_lengths[i] + sizeof(",=\"\"");
	}
}

static char *escaped_write(char *to, const char *value)
{
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			*to++ = '\\';
		if (*value == '\n') {
			*to++ = '\\';
			*to++ = 'n';
		} else {
			*to++ = *value;
		}
	}
	return to;
}

/* Returns an upper bound of the bytes that labels_write writes. */
static size_t labels_max(const struct row *row, const struct snapshot *part,
			 const struct sample *sample)
{
	size_t size = row->labels_length;

	for (unsigned int i = 0; i < sample->label_count; i++)
		size += 2 * strlen(part->strings + sample->labels[i]);
	return size;
}

/* Writes a="b",c="d" without braces: a histogram adds a label. */
static char *labels_write(char *to, const struct row *row, const struct snapshot *part,
			  const struct sample *sample)
{
	for (unsigned int i = 0; i < sample->label_count; i++) {
		if (i)
			*to++ = ',';
		to = mempcpy(to, row->family->labels[i], row->label_lengths[i]);
		*to++ = '=';
		*to++ = '"';
		to = escaped_write(to, part->strings + sample->labels[i]);
		*to++ = '"';
	}
	return to;
}

static void value_write(struct text *out, const struct row *row, const struct snapshot *part,
			const struct sample *sample)
{
	char *to;

	if (!text_reserve(out, row->name_length + labels_max(row, part, sample) + sizeof("{} \n") +
				       NUMBER_MAX))
		return;
	to = mempcpy(out->data + out->size, row->family->name, row->name_length);
	if (sample->label_count) {
		*to++ = '{';
		to = labels_write(to, row, part, sample);
		*to++ = '}';
	}
	*to++ = ' ';
	to = sample->kind == SAMPLE_FLOAT ? number_float(to, sample->value.f)
					  : number_unsigned(to, sample->value.u);
	*to++ = '\n';
	out->size = (size_t)(to - out->data);
}

/* The common parts of all lines of a histogram. */
struct series {
	const struct row *row;
	enum exposition_format format;
	const char *labels;
	size_t labels_length;
};

static char *series_start(char *to, const struct series *s, const char *suffix)
{
	return stpcpy(mempcpy(to, s->row->family->name, s->row->name_length), suffix);
}

/* OpenMetrics requires bounds to look like floats: 1.0, where the older format has 1. */
static char *bound_write(char *to, enum exposition_format format, uint64_t bound_ns)
{
	to = number_seconds(to, bound_ns);
	if (format == EXPOSITION_OPENMETRICS && !(bound_ns % NS_PER_S))
		to = stpcpy(to, ".0");
	return to;
}

static char *bucket_write(char *to, const struct series *s, const uint64_t *bound_ns,
			  uint64_t count)
{
	to = series_start(to, s, "_bucket{");
	to = mempcpy(to, s->labels, s->labels_length);
	to = stpcpy(to, s->labels_length ? ",le=\"" : "le=\"");
	to = bound_ns ? bound_write(to, s->format, *bound_ns) : stpcpy(to, "+Inf");
	to = stpcpy(to, "\"} ");
	to = number_unsigned(to, count);
	*to++ = '\n';
	return to;
}

static char *series_labels(char *to, const struct series *s)
{
	if (s->labels_length) {
		*to++ = '{';
		to = mempcpy(to, s->labels, s->labels_length);
		*to++ = '}';
	}
	*to++ = ' ';
	return to;
}

static void histogram_write(struct text *out, enum exposition_format format, const struct row *row,
			    const struct snapshot *part, const struct sample *sample)
{
	const struct sample_histogram *histogram = &part->histograms[sample->value.histogram];
	size_t most = labels_max(row, part, sample);
	struct series series = { .row = row, .format = format };
	uint64_t count = 0;
	char *to;

	/*
	 * The labels are written once, after the space for the longest form of this histogram, and
	 * copied from there.
	 */
	size_t lines = (ABI_HISTOGRAM_BUCKETS + 2) *
		       (row->name_length + SUFFIX_MAX + most + LE_MAX + NUMBER_MAX);

	if (!text_reserve(out, lines + most))
		return;
	to = out->data + out->size;
	series.labels = to + lines;
	series.labels_length =
		(size_t)(labels_write(to + lines, row, part, sample) - series.labels);

	for (unsigned int i = 0; i < ABI_HISTOGRAM_BUCKETS; i++) {
		count += histogram->buckets[i];
		to = bucket_write(to, &series,
				  i < ABI_HISTOGRAM_BUCKETS - 1
					  ? &histogram_bounds[histogram->bounds][i]
					  : NULL,
				  count);
	}
	to = number_seconds(series_labels(series_start(to, &series, "_sum"), &series),
			    histogram->sum_ns);
	*to++ = '\n';
	to = number_unsigned(series_labels(series_start(to, &series, "_count"), &series), count);
	*to++ = '\n';
	out->size = (size_t)(to - out->data);
}

/* In OpenMetrics the name of a counter family lacks the suffix of its samples. */
static size_t family_length(enum exposition_format format, const struct metric_family *family)
{
	size_t length = strlen(family->name), suffix = sizeof("_total") - 1;

	if (format == EXPOSITION_OPENMETRICS && family->type == METRIC_COUNTER && length > suffix &&
	    !strcmp(family->name + length - suffix, "_total"))
		length -= suffix;
	return length;
}

/* Writes a unit only if the name of the family ends with it. */
static bool family_has_unit(const struct metric_family *family, size_t length)
{
	size_t unit = strlen(family->unit);

	return unit && length > unit && family->name[length - unit - 1] == '_' &&
	       !memcmp(family->name + length - unit, family->unit, unit);
}

/* Help texts are our own: they contain no newline. Only OpenMetrics escapes quotation marks. */
static void help_write(struct text *out, enum exposition_format format, const char *help)
{
	for (const char *mark; format == EXPOSITION_OPENMETRICS && (mark = strchr(help, '"'));
	     help = mark + 1) {
		text_add(out, help, (size_t)(mark - help));
		text_puts(out, "\\\"");
	}
	text_puts(out, help);
}

static void line_start(struct text *out, const char *keyword, const char *name, size_t length)
{
	text_puts(out, keyword);
	text_add(out, name, length);
	text_puts(out, " ");
}

static void header_write(struct text *out, enum exposition_format format,
			 const struct metric_family *family)
{
	size_t length = family_length(format, family);

	line_start(out, "# HELP ", family->name, length);
	help_write(out, format, family->help);
	line_start(out, "\n# TYPE ", family->name, length);
	text_puts(out, metric_type_name(family->type));
	text_puts(out, "\n");
	if (format != EXPOSITION_OPENMETRICS || !family_has_unit(family, length))
		return;
	line_start(out, "# UNIT ", family->name, length);
	text_puts(out, family->unit);
	text_puts(out, "\n");
}

const char *exposition_content_type(enum exposition_format format)
{
	return format == EXPOSITION_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}

int exposition_write(struct exposition *e, struct text *out, enum exposition_format format,
		     const struct snapshot *parts, size_t part_count)
{
	struct family_starts starts;
	struct row row;
	int r;

	r = order_fill(e, &starts, parts, part_count);
	if (r)
		return r;
	for (unsigned int family = 0; family < METRIC_MAX; family++) {
		if (starts.starts[family] == starts.starts[family + 1])
			continue;
		row_fill(&row, family);
		header_write(out, format, row.family);
		for (size_t i = starts.starts[family]; i < starts.starts[family + 1]; i++) {
			const struct snapshot *part = &parts[ORDER_PART(e->order[i])];
			const struct sample *sample = &part->samples[ORDER_INDEX(e->order[i])];

			if (sample->kind == SAMPLE_HISTOGRAM)
				histogram_write(out, format, &row, part, sample);
			else
				value_write(out, &row, part, sample);
		}
	}
	if (format == EXPOSITION_OPENMETRICS)
		text_puts(out, "# EOF\n");
	return out->error;
}
