// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/metrics/metrics.h"
#include "lib/snapshot/block.h"
#include "lib/snapshot/snapshot.h"
#include "lib/text/utf8.h"

_Static_assert(SNAPSHOT_LABELS_MAX == METRIC_LABELS_MAX,
	       "a sample has room for the labels of any row");

void snapshot_reset(struct snapshot_builder *b)
{
	b->sample_count = 0;
	b->histogram_count = 0;
	b->history_count = 0;
	b->string_bytes = 0;
	b->error = 0;
}

void snapshot_free(struct snapshot_builder *b)
{
	free(b->samples);
	free(b->histograms);
	free(b->histories);
	free(b->strings);
	*b = (struct snapshot_builder){ 0 };
}

/*
 * Makes room for `more` elements after the `count` existing ones. Doubles the size, so that adding
 * is cheap on average.
 */
static bool array_reserve(struct snapshot_builder *b, void **array, uint32_t *max, uint32_t count,
			  uint64_t more, size_t size)
{
	uint64_t wanted = *max ? *max : 64;
	void *grown;

	if (b->error)
		return false;
	if (count + more <= *max)
		return true;
	while (wanted < count + more)
		wanted *= 2;
	grown = wanted <= UINT32_MAX ? reallocarray(*array, wanted, size) : NULL;
	if (!grown) {
		b->error = -ENOMEM;
		return false;
	}
	*array = grown;
	*max = (uint32_t)wanted;
	return true;
}

uint32_t snapshot_string(struct snapshot_builder *b, const char *text)
{
	uint64_t length = strlen(text), most = length * (sizeof(UTF8_REPLACEMENT) - 1) + 1;
	uint32_t offset = b->string_bytes;
	char *to;

	if (!array_reserve(b, (void **)&b->strings, &b->string_max, b->string_bytes, most, 1))
		return 0;
	to = b->strings + offset;
	for (uint64_t at = 0; at < length;) {
		size_t bytes = utf8_length(text + at, length - at);

		if (bytes) {
			to = mempcpy(to, text + at, bytes);
			at += bytes;
		} else {
			to = mempcpy(to, UTF8_REPLACEMENT, sizeof(UTF8_REPLACEMENT) - 1);
			at++;
		}
	}
	*to++ = '\0';
	b->string_bytes = (uint32_t)(to - b->strings);
	return offset;
}

/* Appends a sample without its value; NULL on error. */
static struct sample *sample_add(struct snapshot_builder *b, unsigned int family,
				 enum sample_kind kind, const uint32_t *labels)
{
	const struct metric_family *row = metric_family(family);
	struct sample *sample;

	if (!b->error && (!row || (row->type == METRIC_HISTOGRAM) != (kind == SAMPLE_HISTOGRAM)))
		b->error = -EINVAL;
	if (!row || !array_reserve(b, (void **)&b->samples, &b->sample_max, b->sample_count, 1,
				   sizeof(*b->samples)))
		return NULL;
	sample = &b->samples[b->sample_count];
	*sample = (struct sample){ .family = (uint16_t)family,
				   .kind = kind,
				   .label_count = (uint8_t)row->label_count };
	for (unsigned int i = 0; i < row->label_count; i++) {
		if (labels[i] >= b->string_bytes) {
			b->error = -EINVAL;
			return NULL;
		}
		sample->labels[i] = labels[i];
	}
	b->sample_count++;
	return sample;
}

void snapshot_add_unsigned(struct snapshot_builder *b, unsigned int family, const uint32_t *labels,
			   uint64_t value)
{
	struct sample *sample = sample_add(b, family, SAMPLE_UNSIGNED, labels);

	if (sample)
		sample->value.u = value;
}

void snapshot_add_float(struct snapshot_builder *b, unsigned int family, const uint32_t *labels,
			double value)
{
	struct sample *sample = sample_add(b, family, SAMPLE_FLOAT, labels);

	if (sample)
		sample->value.f = value;
}

void snapshot_add_histogram(struct snapshot_builder *b, unsigned int family, const uint32_t *labels,
			    unsigned int bounds, const struct abi_histogram *from)
{
	struct sample_histogram *histogram;
	struct sample *sample;

	if (!b->error && bounds >= ABI_BOUNDS_MAX)
		b->error = -EINVAL;
	if (!array_reserve(b, (void **)&b->histograms, &b->histogram_max, b->histogram_count, 1,
			   sizeof(*b->histograms)))
		return;
	sample = sample_add(b, family, SAMPLE_HISTOGRAM, labels);
	if (!sample)
		return;
	sample->value.histogram = b->histogram_count;
	histogram = &b->histograms[b->histogram_count++];
	*histogram = (struct sample_histogram){ .bounds = bounds, .sum_ns = from->sum_ns };
	memcpy(histogram->buckets, from->buckets, sizeof(histogram->buckets));
}

struct sample_history *snapshot_add_history(struct snapshot_builder *b, uint32_t name)
{
	struct sample_history *history;

	if (!b->error && name >= b->string_bytes)
		b->error = -EINVAL;
	if (!array_reserve(b, (void **)&b->histories, &b->history_max, b->history_count, 1,
			   sizeof(*b->histories)))
		return NULL;
	history = &b->histories[b->history_count++];
	*history = (struct sample_history){ .name = name };
	return history;
}

static struct block_layout layout_of(const struct snapshot_builder *b)
{
	return block_layout(b->sample_count, b->histogram_count, b->history_count, b->string_bytes);
}

int64_t snapshot_length(const struct snapshot_builder *b)
{
	if (b->error)
		return b->error;
	return (int64_t)layout_of(b).length;
}

static void part_write(void *to, const void *from, size_t size)
{
	if (size)
		memcpy(to, from, size);
}

void snapshot_write(const struct snapshot_builder *b, uint64_t id, void *block)
{
	struct block_layout layout = layout_of(b);
	char *to = block;

	*(struct snapshot_header *)block = (struct snapshot_header){
		.magic = SNAPSHOT_MAGIC,
		.sample_count = b->sample_count,
		.histogram_count = b->histogram_count,
		.history_count = b->history_count,
		.string_bytes = b->string_bytes,
		.id = id,
		.length = layout.length,
	};
	part_write(to + layout.samples, b->samples, b->sample_count * sizeof(*b->samples));
	part_write(to + layout.histograms, b->histograms,
		   b->histogram_count * sizeof(*b->histograms));
	part_write(to + layout.histories, b->histories, b->history_count * sizeof(*b->histories));
	part_write(to + layout.strings, b->strings, b->string_bytes);
	/* Clears the padding, so that no old bytes remain. */
	memset(to + layout.strings + b->string_bytes, 0,
	       layout.length - layout.strings - b->string_bytes);
}

void snapshot_view(struct snapshot *s, const struct snapshot_builder *b)
{
	*s = (struct snapshot){
		.samples = b->samples,
		.histograms = b->histograms,
		.histories = b->histories,
		.strings = b->strings,
		.sample_count = b->sample_count,
		.histogram_count = b->histogram_count,
		.history_count = b->history_count,
		.string_bytes = b->string_bytes,
	};
}
