// SPDX-License-Identifier: Apache-2.0
/* Opens an untrusted block: checks everything before use. */
#include <errno.h>

#include "lib/metrics/metrics.h"
#include "lib/snapshot/block.h"
#include "lib/text/utf8.h"

static bool strings_valid(const char *strings, uint32_t bytes)
{
	if (bytes && strings[bytes - 1])
		return false;
	for (uint32_t at = 0; at < bytes;) {
		size_t length = utf8_length(strings + at, bytes - at);

		if (!length)
			return false;
		at += length;
	}
	return true;
}

/*
 * Returns whether a string starts at this offset. An offset into the middle of a character would
 * print half of it.
 */
static bool string_starts(const struct snapshot *s, uint32_t offset)
{
	return offset < s->string_bytes && (!offset || !s->strings[offset - 1]);
}

static bool sample_valid(const struct snapshot *s, const struct sample *sample)
{
	const struct metric_family *family = metric_family(sample->family);

	if (!family || sample->label_count != family->label_count)
		return false;
	for (unsigned int i = 0; i < family->label_count; i++)
		if (!string_starts(s, sample->labels[i]))
			return false;
	switch (sample->kind) {
	case SAMPLE_UNSIGNED:
	case SAMPLE_FLOAT: return family->type != METRIC_HISTOGRAM;
	case SAMPLE_HISTOGRAM:
		return family->type == METRIC_HISTOGRAM &&
		       sample->value.histogram < s->histogram_count &&
		       s->histograms[sample->value.histogram].bounds < ABI_BOUNDS_MAX;
	}
	return false;
}

int snapshot_open(struct snapshot *s, const void *block, size_t length, uint64_t id)
{
	const struct snapshot_header *header = block;
	struct block_layout layout;

	if (length < sizeof(*header) || header->magic != SNAPSHOT_MAGIC || header->id != id)
		return -EBADMSG;
	layout = block_layout(header->sample_count, header->histogram_count, header->history_count,
			      header->string_bytes);
	if (header->length != layout.length || layout.length > length)
		return -EBADMSG;
	*s = (struct snapshot){
		.samples = (const struct sample *)((const char *)block + layout.samples),
		.histograms =
			(const struct sample_histogram *)((const char *)block + layout.histograms),
		.histories =
			(const struct sample_history *)((const char *)block + layout.histories),
		.strings = (const char *)block + layout.strings,
		.sample_count = header->sample_count,
		.histogram_count = header->histogram_count,
		.history_count = header->history_count,
		.string_bytes = header->string_bytes,
	};
	if (!strings_valid(s->strings, s->string_bytes))
		return -EBADMSG;
	for (uint32_t i = 0; i < s->sample_count; i++)
		if (!sample_valid(s, &s->samples[i]))
			return -EBADMSG;
	for (uint32_t i = 0; i < s->history_count; i++)
		if (!string_starts(s, s->histories[i].name) ||
		    s->histories[i].known > SNAPSHOT_STEPS)
			return -EBADMSG;
	return 0;
}
