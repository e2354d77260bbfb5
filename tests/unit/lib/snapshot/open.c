// SPDX-License-Identifier: Apache-2.0
#include "make.h"

#include <errno.h>

#include "lib/exposition/exposition.h"

struct parts {
	struct snapshot_header *header;
	struct sample *samples;
	struct sample_histogram *histograms;
	struct sample_history *histories;
	char *strings;
};

static struct parts parts_of(void *block)
{
	struct parts p = { .header = block };

	p.samples = (struct sample *)(p.header + 1);
	p.histograms = (struct sample_histogram *)(p.samples + p.header->sample_count);
	p.histories = (struct sample_history *)(p.histograms + p.header->histogram_count);
	p.strings = (char *)(p.histories + p.header->history_count);
	return p;
}

/* Opens a good block in which `change` was done. */
#define OPEN_WITH(change)                                            \
	({                                                           \
		size_t length_;                                      \
		void *block_ = make_block(&length_);                 \
		struct parts p = parts_of(block_);                   \
		struct snapshot s_;                                  \
		int err_;                                            \
		change;                                              \
		err_ = snapshot_open(&s_, block_, length_, MAKE_ID); \
		free(block_);                                        \
		err_;                                                \
	})
#define EXPECT_BAD(change) cr_expect_eq(OPEN_WITH(change), -EBADMSG, #change)
#define EXPECT_GOOD(change) cr_expect_eq(OPEN_WITH(change), 0, #change)

Test(open, header)
{
	EXPECT_GOOD((void)p);
	EXPECT_BAD(p.header->magic++);
	EXPECT_BAD(p.header->id++);
	EXPECT_BAD(p.header->length++);
	EXPECT_BAD(p.header->length += 8);
	EXPECT_BAD(p.header->length -= 8);
	EXPECT_BAD(p.header->sample_count++);
	EXPECT_BAD(p.header->sample_count--);
	EXPECT_BAD(p.header->sample_count = UINT32_MAX);
	EXPECT_BAD(p.header->histogram_count++);
	EXPECT_BAD(p.header->histogram_count = UINT32_MAX);
	EXPECT_BAD(p.header->history_count++);
	EXPECT_BAD(p.header->history_count = UINT32_MAX);
	EXPECT_BAD(p.header->string_bytes += 8);
	EXPECT_BAD(p.header->string_bytes = UINT32_MAX);
	EXPECT_BAD(p.header->string_bytes = 0);
}

/* The length fits the counts, and both exceed the memory that was given. */
Test(open, counts_and_length_that_are_both_wrong)
{
	EXPECT_BAD((p.header->sample_count += 1, p.header->length += 32));
	EXPECT_BAD((p.header->histogram_count += 1, p.header->length += 152));
	EXPECT_BAD((p.header->string_bytes += 8, p.header->length += 8));
	EXPECT_BAD((p.header->sample_count = UINT32_MAX,
		    p.header->length += (UINT32_MAX - 3ull) * 32));
}

Test(open, every_length)
{
	size_t length;
	void *block = make_block(&length);
	struct snapshot s;

	for (size_t cut = 0; cut < length; cut++) {
		void *copy = malloc(cut ? cut : 1);

		memcpy(copy, block, cut);
		cr_expect_eq(snapshot_open(&s, copy, cut, MAKE_ID), -EBADMSG, "%zu bytes of %zu",
			     cut, length);
		free(copy);
	}
	block = realloc(block, length + 100);
	memset((char *)block + length, 0xff, 100);
	cr_expect_eq(snapshot_open(&s, block, length + 100, MAKE_ID), 0,
		     "what lies behind it does not matter");
	free(block);
}

Test(open, samples)
{
	EXPECT_BAD(p.samples[0].family = METRIC_MAX);
	EXPECT_BAD(p.samples[0].family = UINT16_MAX);
	EXPECT_BAD(p.samples[0].family = METRIC_PROXY_INFO);
	EXPECT_BAD(p.samples[2].family = METRIC_PROXY_REQUESTS);
	EXPECT_BAD(p.samples[0].label_count--);
	EXPECT_BAD(p.samples[0].label_count++);
	EXPECT_BAD(p.samples[0].label_count = UINT8_MAX);
	EXPECT_BAD(p.samples[0].labels[0] = p.header->string_bytes);
	EXPECT_BAD(p.samples[0].labels[1] = UINT32_MAX);
	EXPECT_BAD(p.samples[0].labels[1]++);
	EXPECT_GOOD(p.samples[0].labels[4] = UINT32_MAX);
	EXPECT_GOOD(p.samples[0].labels[0] = p.samples[0].labels[1]);
	EXPECT_BAD(p.samples[0].kind = SAMPLE_HISTOGRAM);
	EXPECT_BAD((p.samples[0].kind = SAMPLE_HISTOGRAM, p.samples[0].value.histogram = 0));
	EXPECT_BAD(p.samples[0].kind = SAMPLE_HISTOGRAM + 1);
	EXPECT_BAD(p.samples[0].kind = UINT8_MAX);
	EXPECT_GOOD(p.samples[0].kind = SAMPLE_FLOAT);
	EXPECT_BAD(p.samples[1].kind = SAMPLE_UNSIGNED);
	EXPECT_BAD(p.samples[1].kind = SAMPLE_FLOAT);
}

Test(open, histograms)
{
	EXPECT_BAD(p.samples[1].value.histogram = 1);
	EXPECT_BAD(p.samples[1].value.histogram = UINT64_MAX);
	EXPECT_BAD(p.samples[1].value.histogram = 1ull << 32);
	EXPECT_BAD(p.histograms[0].bounds = ABI_BOUNDS_MAX);
	EXPECT_BAD(p.histograms[0].bounds = UINT32_MAX);
	EXPECT_GOOD(p.histograms[0].bounds = ABI_BOUNDS_LIFETIME);
	EXPECT_GOOD(p.histograms[0].buckets[3] = UINT64_MAX);
}

Test(open, strings)
{
	EXPECT_BAD(p.strings[p.header->string_bytes - 1] = 'x');
	EXPECT_BAD(p.strings[0] = '\xff');
	EXPECT_BAD(p.strings[3] = '\xc3');
	EXPECT_GOOD(p.strings[0] = '"');
	EXPECT_BAD(p.strings[4] = 'x'); /* then "connect" no longer begins where its label points */
}

/* xorshift: the same blocks in every run. */
static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

/* A block that opens must print without a read outside it: the sanitizers check. */
Test(open, random_damage, .timeout = 50)
{
	struct exposition exposition = { 0 };
	uint64_t state = 88172645463325252ull;
	struct text text = { 0 };
	unsigned int opened = 0;

	for (int round = 0; round < 100000; round++) {
		struct snapshot s;
		size_t length;
		unsigned char *block = make_block(&length);

		for (uint64_t n = random_next(&state) % 4; n < 4; n++) {
			uint64_t at = random_next(&state) % length, how = random_next(&state);

			block[at] = how & 1 ? (unsigned char)(how >> 8)
					    : block[at] ^ (unsigned char)(1 << (how >> 8) % 8);
		}
		if (!snapshot_open(&s, block, length, MAKE_ID)) {
			text_reset(&text);
			cr_assert_eq(exposition_write(&exposition, &text, EXPOSITION_TEXT, &s, 1),
				     0);
			cr_assert_gt(text.size, 100);
			opened++;
		}
		free(block);
	}
	cr_expect_gt(opened, 10000, "most damage to values does no harm, so that prints too");
	cr_expect_lt(opened, 90000);
	text_free(&text);
	exposition_free(&exposition);
}

Test(open, histories)
{
	EXPECT_GOOD(p.histories[0].known = SNAPSHOT_STEPS);
	EXPECT_BAD(p.histories[0].known = SNAPSHOT_STEPS + 1);
	EXPECT_BAD(p.histories[0].name = 1);
	EXPECT_BAD(p.histories[0].name = p.header->string_bytes);
}
