// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/lib/snapshot/open.c: a block of another process, as it is and with a header that is
 * right; what opens must print as Prometheus reads it.
 */
#include "prometheus.h"

#include <errno.h>

#include "lib/exposition/exposition.h"
#include "lib/snapshot/block.h"
#include "lib/snapshot/snapshot.h"

static size_t expected_series(const struct snapshot *s)
{
	size_t count = 0;

	for (uint32_t i = 0; i < s->sample_count; i++)
		count += s->samples[i].kind == SAMPLE_HISTOGRAM ? ABI_HISTOGRAM_BUCKETS + 2 : 1;
	return count;
}

static void open_and_print(const void *block, size_t size, uint64_t id)
{
	struct exposition exposition = { 0 };
	struct text text = { 0 };
	struct snapshot s;
	int r = snapshot_open(&s, block, size, id);

	CHECK(r == 0 || r == -EBADMSG, "%d", r);
	if (r)
		return;
	CHECK(exposition_write(&exposition, &text, EXPOSITION_TEXT, &s, 1) == 0);
	CHECK(prometheus_read(text.data, text.size, NULL, NULL) == expected_series(&s));
	exposition_free(&exposition);
	text_free(&text);
}

/*
 * Magic, length and the last NUL are put right, and the counts made to fit: what is in the parts is
 * then seen more often.
 */
static void repair(struct snapshot_header *h, char *block, size_t size)
{
	size_t left = size - sizeof(*h);

	h->magic = SNAPSHOT_MAGIC;
	h->sample_count %= left / sizeof(struct sample) + 1;
	left -= h->sample_count * sizeof(struct sample);
	h->histogram_count %= left / sizeof(struct sample_histogram) + 1;
	left -= h->histogram_count * sizeof(struct sample_histogram);
	h->history_count %= left / sizeof(struct sample_history) + 1;
	left -= h->history_count * sizeof(struct sample_history);
	left &= ~(size_t)7;
	if (h->string_bytes > left || (!h->string_bytes && left))
		h->string_bytes = (uint32_t)left;
	h->length =
		block_layout(h->sample_count, h->histogram_count, h->history_count, h->string_bytes)
			.length;
	if (h->string_bytes)
		block[block_layout(h->sample_count, h->histogram_count, h->history_count, 0)
			      .strings +
		      h->string_bytes - 1] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *block = fuzz_copy(data, size);
	struct snapshot_header *header = block;

	if (size < sizeof(*header)) {
		open_and_print(block, size, 0);
	} else {
		open_and_print(block, size, header->id);
		open_and_print(block, size, header->id + 1);
		repair(header, block, size);
		open_and_print(block, size, header->id);
	}
	free(block);
	return 0;
}
