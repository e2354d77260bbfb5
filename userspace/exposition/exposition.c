// SPDX-License-Identifier: Apache-2.0
#include "wgsocks/exposition.h"

#include <stdlib.h>

#include "number.h"
#include "order.h"

#define SUFFIX_MAX sizeof("_bucket")
#define LE_MAX (sizeof("{,le=\"\"} \n") + NUMBER_MAX)

static const uint64_t histogram_bounds[ABI_BOUNDS_MAX][ABI_HISTOGRAM_BUCKETS - 1] = ABI_HISTOGRAM_BOUNDS;

/* A row of the table with the lengths of its words, which are wanted for each sample. */
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

/* An upper bound of what labels_write writes. */
static size_t labels_max(const struct row *row, const struct snapshot *part, const struct sample *sample)
{
	size_t size = row->labels_length;

	for (unsigned int i = 0; i < sample->label_count; i++)
		size += 2 * strlen(part->strings + sample->labels[i]);
	return size;
}

/* a="b",c="d" without the braces, since a histogram has one label more. */
static char *labels_write(char *to, const struct row *row, const struct snapshot *part, const struct sample *sample)
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

	if (!text_reserve(out, row->name_length + labels_max(row, part, sample) + sizeof("{} \n") + NUMBER_MAX))
		return;
	to = mempcpy(out->data + out->size, row->family->name, row->name_length);
	if (sample->label_count) {
		*to++ = '{';
		to = labels_write(to, row, part, sample);
		*to++ = '}';
	}
	*to++ = ' ';
	to = sample->kind == SAMPLE_FLOAT ? number_float(to, sample->value.f) : number_unsigned(to, sample->value.u);
	*to++ = '\n';
	out->size = (size_t)(to - out->data);
}

/* What is the same in each line of a histogram. */
struct series {
	const struct row *row;
	const char *labels;
	size_t labels_length;
};

static char *series_start(char *to, const struct series *s, const char *suffix)
{
	return stpcpy(mempcpy(to, s->row->family->name, s->row->name_length), suffix);
}

static char *bucket_write(char *to, const struct series *s, const uint64_t *bound_ns, uint64_t count)
{
	to = series_start(to, s, "_bucket{");
	to = mempcpy(to, s->labels, s->labels_length);
	to = stpcpy(to, s->labels_length ? ",le=\"" : "le=\"");
	to = bound_ns ? number_seconds(to, *bound_ns) : stpcpy(to, "+Inf");
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

static void histogram_write(struct text *out, const struct row *row, const struct snapshot *part,
			    const struct sample *sample)
{
	const struct sample_histogram *histogram = &part->histograms[sample->value.histogram];
	size_t most = labels_max(row, part, sample);
	struct series series = { .row = row };
	uint64_t count = 0;
	char *to;

	/* The labels are written once, behind everything that this histogram can fill, and copied from there. */
	size_t lines = (ABI_HISTOGRAM_BUCKETS + 2) * (row->name_length + SUFFIX_MAX + most + LE_MAX + NUMBER_MAX);

	if (!text_reserve(out, lines + most))
		return;
	to = out->data + out->size;
	series.labels = to + lines;
	series.labels_length = (size_t)(labels_write(to + lines, row, part, sample) - series.labels);

	for (unsigned int i = 0; i < ABI_HISTOGRAM_BUCKETS; i++) {
		count += histogram->buckets[i];
		to = bucket_write(to, &series,
				  i < ABI_HISTOGRAM_BUCKETS - 1 ? &histogram_bounds[histogram->bounds][i] : NULL,
				  count);
	}
	to = number_seconds(series_labels(series_start(to, &series, "_sum"), &series), histogram->sum_ns);
	*to++ = '\n';
	to = number_unsigned(series_labels(series_start(to, &series, "_count"), &series), count);
	*to++ = '\n';
	out->size = (size_t)(to - out->data);
}

static void header_write(struct text *out, const struct metric_family *family)
{
	text_puts(out, "# HELP ");
	text_puts(out, family->name);
	text_puts(out, " ");
	text_puts(out, family->help);
	text_puts(out, "\n# TYPE ");
	text_puts(out, family->name);
	text_puts(out, " ");
	text_puts(out, metric_type_name(family->type));
	text_puts(out, "\n");
}

const char *exposition_content_type(enum exposition_format format)
{
	switch (format) {
	case EXPOSITION_TEXT: break;
	}
	return "text/plain; version=0.0.4; charset=utf-8";
}

int exposition_write(struct exposition *e, struct text *out, enum exposition_format format,
		     const struct snapshot *parts, size_t part_count)
{
	struct family_starts starts;
	struct row row;
	int err;

	(void)format; /* there is one */
	err = order_fill(e, &starts, parts, part_count);
	if (err)
		return err;
	for (unsigned int family = 0; family < METRIC_MAX; family++) {
		if (starts.starts[family] == starts.starts[family + 1])
			continue;
		row_fill(&row, family);
		header_write(out, row.family);
		for (size_t i = starts.starts[family]; i < starts.starts[family + 1]; i++) {
			const struct snapshot *part = &parts[ORDER_PART(e->order[i])];
			const struct sample *sample = &part->samples[ORDER_INDEX(e->order[i])];

			if (sample->kind == SAMPLE_HISTOGRAM)
				histogram_write(out, &row, part, sample);
			else
				value_write(out, &row, part, sample);
		}
	}
	return out->error;
}

void exposition_free(struct exposition *e)
{
	free(e->order);
	*e = (struct exposition){ 0 };
}
