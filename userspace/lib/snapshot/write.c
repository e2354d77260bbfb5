// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "lib/snapshot/block.h"

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
	part_write(to + layout.histograms, b->histograms, b->histogram_count * sizeof(*b->histograms));
	part_write(to + layout.histories, b->histories, b->history_count * sizeof(*b->histories));
	part_write(to + layout.strings, b->strings, b->string_bytes);
	/* The padding, so that not a byte of what was there before is left to be wondered at. */
	memset(to + layout.strings + b->string_bytes, 0, layout.length - layout.strings - b->string_bytes);
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
