// SPDX-License-Identifier: Apache-2.0
/* Reordered segments of the client: read once the missing one arrives, or counted as a loss. */
#include "noise.h"
#include "talk.h"

#define GREETING "\5\1\0"
#define REQUEST "\5\2\0\1\300\0\2\1\0\120"
#define REQUEST4A "\4\2\0\120\0\0\0\1user\0example.org\0"
#define OK "\5\0\5\0\0\1\0\0\0\0\0\0"

static const struct {
	const char *bytes;
	uint32_t length;
} texts[] = {
	{ GREETING REQUEST, 13 },
	{ GREETING REQUEST "more", 17 },
	{ "\5\2\0\2\1\4user\6secret" REQUEST, 27 },
	{ REQUEST4A, 25 },
};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

/*
 * After all segments, in any order: checks that the request was read and the outcome counted once.
 */
static void finish(struct talk *talk, bool lost)
{
	struct session session;

	talk->want.requests.bind = !lost;
	talk->want.losses.out_of_order = lost;
	talk_check(talk);
	check(talk_session(talk, &session) &&
		      session.dialogue.client.flags ==
			      (lost ? DIALOGUE_DONE | DIALOGUE_LOST : DIALOGUE_DONE),
	      "flags %u", session.dialogue.client.flags);
	TALK(talk, SERVER, OK);
	talk->want.requests.unknown = lost; /* but its outcome counts */
	talk->want.successes = 1;
	talk_check(talk);
	talk_end(talk);
}

/*
 * Two segments, the second one first; also with the first one sent as a longer one, and the second
 * one sent again.
 */
static void swapped(struct kernel *kernel)
{
	for (int way = 0; way < TALK_WAYS; way++)
		for (size_t t = 0; t < TEXTS; t++)
			for (uint32_t gap = 1; gap < texts[t].length; gap++)
				for (uint32_t more = 0; more <= texts[t].length - gap; more++) {
					const char *bytes = texts[t].bytes;
					uint32_t length = texts[t].length;
					struct talk talk;

					check_about("%s, text %zu, gap of %u, overlap of %u",
						    talk_ways[way].name, t, gap, more);
					talk_begin(&talk, kernel, &talk_ways[way]);
					talk.isn[CLIENT] = 0 - gap;
					talk_open(&talk);
					talk_segment(&talk, CLIENT, gap, bytes + gap, length - gap,
						     0);
					if (more & 1)
						talk_segment(&talk, CLIENT, gap, bytes + gap,
							     length - gap, 0);
					talk_check(&talk);
					talk_segment(&talk, CLIENT, 0, bytes, gap + more, 0);
					finish(&talk, false);
				}
}

/* A gap, and behind it one byte a segment, in order. */
static void run_behind_gap(struct kernel *kernel)
{
	for (size_t t = 0; t < TEXTS; t++)
		for (uint32_t gap = 1; gap < texts[t].length; gap++) {
			struct talk talk;

			check_about("text %zu, gap of %u", t, gap);
			talk_begin(&talk, kernel, &talk_ways[gap % TALK_WAYS]);
			talk_open(&talk);
			for (uint32_t at = gap; at < texts[t].length; at++)
				talk_segment(&talk, CLIENT, at, texts[t].bytes + at, 1, 0);
			for (uint32_t at = 0; at < gap; at++)
				talk_segment(&talk, CLIENT, at, texts[t].bytes + at, 1, 0);
			finish(&talk, false);
		}
}

/* One byte a segment, every second one overtaken by the next: one gap after another. */
static void pairs(struct kernel *kernel)
{
	for (size_t t = 0; t < TEXTS; t++)
		for (uint32_t size = 1; size < 6; size++) {
			const char *bytes = texts[t].bytes;
			uint32_t length = texts[t].length;
			struct talk talk;

			check_about("text %zu, pairs of %u bytes", t, size);
			talk_begin(&talk, kernel, &talk_ways[size]);
			talk_open(&talk);
			for (uint32_t at = 0; at < length; at += 2 * size) {
				uint32_t left = length - at, first = left < size ? left : size;
				uint32_t second = left < 2 * size ? left - first : size;

				if (second)
					talk_segment(&talk, CLIENT, at + first, bytes + at + first,
						     second, 0);
				talk_segment(&talk, CLIENT, at, bytes + at, first, 0);
			}
			finish(&talk, false);
		}
}

/*
 * Any order, some segments twice. What is held is one run, so some orders are lost: then it is said
 * so, once. Never is anything else counted than the request, or the loss.
 */
static void any_order(struct kernel *kernel)
{
	int read = 0, rounds = 20000;

	for (int round = 0; round < rounds && !check_is_failed(); round++) {
		uint32_t begin[64], length[64], count = 0, t = noise_below(TEXTS);
		struct session session;
		struct talk talk;
		bool lost;

		for (uint32_t at = 0; at < texts[t].length; count++) {
			begin[count] = at;
			length[count] = 1 + noise_below(noise_below(2) ? 3 : 12);
			if (length[count] > texts[t].length - at)
				length[count] = texts[t].length - at;
			at += length[count];
		}
		for (uint32_t i = noise_below(4); i;
		     i--) { /* swaps, near or far; or one more time */
			uint32_t a = noise_below(count),
				 b = noise_below(2) ? noise_below(count) : a + (a + 1 < count);
			uint32_t other = begin[a], other_length = length[a];

			begin[a] = begin[b];
			length[a] = length[b];
			begin[b] = other;
			length[b] = other_length;
		}
		check_about("round %d, text %u, %u segments", round, t, count);
		talk_begin(&talk, kernel, &talk_ways[round % TALK_WAYS]);
		talk_open(&talk);
		for (uint32_t i = 0; i < count; i++) {
			talk_segment(&talk, CLIENT, begin[i], texts[t].bytes + begin[i], length[i],
				     0);
			if (!noise_below(4))
				talk_segment(&talk, CLIENT, begin[i], texts[t].bytes + begin[i],
					     length[i], 0);
		}
		check(talk_session(&talk, &session), "no session");
		lost = session.dialogue.client.flags & DIALOGUE_LOST;
		read += !lost;
		finish(&talk, lost);
	}
	check(read > rounds / 2, "only %d of %d could be read", read, rounds);
}

/*
 * What does not fit: a segment that is too long, a run that grows too long, a second run while the
 * first one waits.
 */
static void too_much(struct kernel *kernel)
{
	static const char bytes[2 * ABI_HELD_MAX] = GREETING REQUEST;

	for (uint32_t length = 1; length <= ABI_HELD_SEGMENT_MAX + 2; length++) {
		struct talk talk;

		check_about("a segment of %u", length);
		talk_begin(&talk, kernel, &talk_ways[0]);
		talk_open(&talk);
		talk_segment(&talk, CLIENT, 20, bytes, length, 0);
		talk.want.losses.out_of_order = length > ABI_HELD_SEGMENT_MAX;
		talk_check(&talk);
		talk_end(&talk);
	}
	for (uint32_t size = 1; size <= 8; size++) {
		struct talk talk;

		check_about("a run of segments of %u", size);
		talk_begin(&talk, kernel, &talk_ways[0]);
		talk_open(&talk);
		for (uint32_t end = size; end <= ABI_HELD_MAX; end += size)
			talk_segment(&talk, CLIENT, 20 + end - size, bytes, size, 0);
		talk_check(&talk);
		talk_segment(&talk, CLIENT, 20 + ABI_HELD_MAX / size * size, bytes, size, 0);
		talk.want.losses.out_of_order = 1;
		talk_check(&talk);
		talk_segment(&talk, CLIENT, 20 + ABI_HELD_MAX / size * size, bytes, size, 0);
		talk_check(&talk);
		talk_end(&talk);
	}
	for (uint32_t second = 1; second <= 40; second++) {
		struct talk talk;

		check_about("a run at 20, and one at %u", second);
		talk_begin(&talk, kernel, &talk_ways[0]);
		talk_open(&talk);
		talk_segment(&talk, CLIENT, 20, bytes, 2, 0);
		talk_segment(&talk, CLIENT, second, bytes, 2, 0);
		talk.want.losses.out_of_order = second != 20 && second != 22;
		talk_check(&talk);
		talk_end(&talk);
	}
}

const struct test_case order_cases[] = {
	{ "order/swapped", swapped },
	{ "order/a run behind a gap", run_behind_gap },
	{ "order/one gap after another", pairs },
	{ "order/any", any_order },
	{ "order/too much", too_much },
	{ NULL },
};
