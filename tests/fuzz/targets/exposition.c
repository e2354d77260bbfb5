// SPDX-License-Identifier: Apache-2.0
/*
 * Builds samples, writes Prometheus's text and reads it back: labels and numbers must be the same.
 * Invalid UTF-8 becomes U+FFFD.
 *
 * The input, for each sample: a family (1 byte), a value (8 bytes), and one NUL-terminated string
 * for each label.
 */
#include "prometheus.h"

#include <math.h>

#include "lib/exposition/exposition.h"
#include "lib/metrics/metrics.h"
#include "lib/snapshot/snapshot.h"

#define SAMPLES_MAX 64

struct given {
	unsigned int family;
	bool is_float;
	uint64_t bits;
	const char *labels[METRIC_LABELS_MAX];
};

struct check {
	struct given given[SAMPLES_MAX];
	unsigned int count, order[SAMPLES_MAX]; /* as they are printed */
	unsigned int next, line;		/* line: of a histogram */
	uint64_t cumulated;
};

static double as_double(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static void fill_histogram(struct abi_histogram *h, uint64_t bits)
{
	for (unsigned int i = 0; i < ABI_HISTOGRAM_BUCKETS; i++)
		h->buckets[i] = (bits >> i * 3 & 7) << i;
	h->sum_ns = bits;
}

static void add(struct snapshot_builder *b, const struct given *g)
{
	const struct metric_family *family = metric_family(g->family);
	uint32_t labels[METRIC_LABELS_MAX];
	struct abi_histogram histogram;

	for (unsigned int i = 0; i < family->label_count; i++)
		labels[i] = snapshot_string(b, g->labels[i]);
	if (family->type == METRIC_HISTOGRAM) {
		fill_histogram(&histogram, g->bits);
		snapshot_add_histogram(b, g->family, labels, g->bits & 1, &histogram);
	} else if (g->is_float) {
		snapshot_add_float(b, g->family, labels, as_double(g->bits));
	} else {
		snapshot_add_unsigned(b, g->family, labels, g->bits);
	}
}

static void check_labels(const struct series *s, const struct given *g, unsigned int more)
{
	unsigned int count = metric_family(g->family)->label_count;

	CHECK(s->label_count == (int)(count + more), "%d labels", s->label_count);
	for (unsigned int i = 0; i < count; i++) {
		char *want = text_repaired(g->labels[i]);

		CHECK(!strcmp(s->labels[i], want), "label %u", i);
		free(want);
	}
}

static int named(const struct series *s, const char *name, const char *suffix)
{
	return s->name_length == strlen(name) + strlen(suffix) &&
	       !strncmp(s->name, name, strlen(name)) &&
	       !strncmp(s->name + strlen(name), suffix, strlen(suffix));
}

static void check_count(const struct series *s, uint64_t want)
{
	CHECK(strtoull(s->number, NULL, 10) == want, "%s, not %llu", s->number,
	      (unsigned long long)want);
}

/* Returns whether the histogram has ended. */
static int check_histogram(struct check *c, const struct series *s, const struct given *g)
{
	const char *name = metric_family(g->family)->name;
	struct abi_histogram h;

	fill_histogram(&h, g->bits);
	check_labels(s, g, c->line < ABI_HISTOGRAM_BUCKETS);
	if (c->line < ABI_HISTOGRAM_BUCKETS) {
		CHECK(named(s, name, "_bucket"));
		c->cumulated += h.buckets[c->line];
		check_count(s, c->cumulated);
		CHECK(c->line < ABI_HISTOGRAM_BUCKETS - 1 ||
		      !strcmp(s->labels[s->label_count - 1], "+Inf"));
	} else if (c->line == ABI_HISTOGRAM_BUCKETS) {
		CHECK(named(s, name, "_sum"));
		CHECK(fabs(s->value - (double)h.sum_ns / 1e9) <= s->value * 1e-12, "%s", s->number);
	} else {
		CHECK(named(s, name, "_count"));
		check_count(s, c->cumulated);
		c->line = 0;
		c->cumulated = 0;
		return 1;
	}
	c->line++;
	return 0;
}

static void check_series(const struct series *s, void *context)
{
	struct check *c = context;
	const struct given *g;

	CHECK(c->next < c->count, "more than was given");
	g = &c->given[c->order[c->next]];
	if (metric_family(g->family)->type == METRIC_HISTOGRAM) {
		c->next += (unsigned int)check_histogram(c, s, g);
		return;
	}
	CHECK(named(s, metric_family(g->family)->name, ""));
	check_labels(s, g, 0);
	if (g->is_float)
		CHECK(isnan(as_double(g->bits)) ? isnan(s->value) : s->value == as_double(g->bits),
		      "%s", s->number);
	else
		check_count(s, g->bits);
	c->next++;
}

/* By family, and in one family as given. */
static void sort(struct check *c)
{
	unsigned int n = 0;

	for (unsigned int family = 0; family < METRIC_MAX; family++)
		for (unsigned int i = 0; i < c->count; i++)
			if (c->given[i].family == family)
				c->order[n++] = i;
}

static void parse(struct check *c, const char *at, const char *end)
{
	while (c->count < SAMPLES_MAX && end - at >= 9) {
		struct given *g = &c->given[c->count];

		g->family = (uint8_t)*at & 0x7f;
		g->is_float = *at & 0x80;
		g->family %= METRIC_MAX;
		memcpy(&g->bits, at + 1, 8);
		at += 9;
		for (unsigned int i = 0; i < metric_family(g->family)->label_count; i++) {
			g->labels[i] = at <= end ? at : "";
			at += at <= end ? strlen(at) + 1 : 0;
		}
		c->count++;
		if (at > end)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = fuzz_string(data, size), *block;
	struct snapshot_builder builder = { 0 };
	struct exposition exposition = { 0 };
	struct check check = { .count = 0 };
	struct text text = { 0 };
	struct snapshot s;
	int64_t length;

	parse(&check, bytes, bytes + size);
	sort(&check);
	for (unsigned int i = 0; i < check.count; i++)
		add(&builder, &check.given[i]);
	length = snapshot_length(&builder);
	CHECK(length > 0, "%lld", (long long)length);
	block = malloc((size_t)length);
	snapshot_write(&builder, 7, block);
	CHECK(snapshot_open(&s, block, (size_t)length, 7) == 0, "what was built does not open");
	CHECK(exposition_write(&exposition, &text, EXPOSITION_TEXT, &s, 1) == 0);
	prometheus_read(text.data, text.size, check_series, &check);
	CHECK(check.next == check.count, "%u of %u samples", check.next, check.count);
	/* Read by prometheus_client's parser in tests/integration; here only that it is whole. */
	text_reset(&text);
	CHECK(exposition_write(&exposition, &text, EXPOSITION_OPENMETRICS, &s, 1) == 0);
	CHECK(text.size >= 6 && !memcmp(text.data + text.size - 6, "# EOF\n", 6));
	exposition_free(&exposition);
	text_free(&text);
	snapshot_free(&builder);
	free(block);
	free(bytes);
	return 0;
}
