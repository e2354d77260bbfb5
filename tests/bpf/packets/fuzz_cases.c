// SPDX-License-Identifier: Apache-2.0
/*
 * Malformed segments through the underlay's programs. Each segment passes unchanged (kernel_run
 * checks it), and the counters agree with the sessions in the map. FUZZ_SEED and FUZZ_PACKETS in
 * the environment select other segments.
 */
#include <string.h>

#include "noise.h"
#include "talk.h"
#include "bpf/parse/socks.h"

#define TALKS 24
#define WITHOUT_SESSION 4 /* of the talks: what they say is early */

/* Words of the grammar, so that dialogues go far. */
static size_t random_words(char *bytes, enum talk_side side)
{
	static const struct {
		size_t length;
		const char *bytes;
	} words[2][10] = {
		{ { 3, "\5\1\0" },
		  { 4, "\5\2\0\2" },
		  { 10, "\5\1\0\1\1\2\3\4\0\120" },
		  { 5, "\5\2\0\3\4" },
		  { 6, "\1\1a\2bc" },
		  { 8, "\4\1\0\120\0\0\0\1" },
		  { 9, "\4\2\0\120\1\2\3\4" },
		  { 4, "abc" },
		  { 6, "\5\3\0\4\5\5" },
		  { 13, "\5\1\0\5\1\0\1\1\2\3\4\0\120" } },
		{ { 2, "\5\0" },
		  { 2, "\5\2" },
		  { 2, "\1\0" },
		  { 10, "\5\0\0\1\0\0\0\0\0\0" },
		  { 4, "\5\5\0\1" },
		  { 8, "\0\132\0\0\0\0\0\0" },
		  { 2, "\5\377" },
		  { 2, "\5\1" },
		  { 12, "\5\0\5\1\0\1\0\0\0\0\0\0" },
		  { 4, "HTTP" } },
	};
	size_t length = 0;

	for (uint32_t n = noise_below(3); n || !length; n -= n > 0) {
		uint32_t word = noise_below(10);

		memcpy(bytes + length, words[side][word].bytes, words[side][word].length);
		length += words[side][word].length;
	}
	if (!noise_below(8))
		bytes[noise_below((uint32_t)length)] = (char)noise_below(256);
	return noise_below(4) ? length : 1 + noise_below((uint32_t)length);
}

static void talks_begin(struct talk *talks, struct kernel *kernel)
{
	for (int i = 0; i < TALKS; i++) {
		struct talk_way way = { noise_shape(), false, "" };

		talk_begin(&talks[i], kernel, &way);
		talks[i].isn[CLIENT] = noise_below(2) ? noise_below(~0u) : 0u - noise_below(20);
		talks[i].isn[SERVER] = noise_below(2) ? noise_below(~0u) : 0u - noise_below(20);
		if (i < TALKS - WITHOUT_SESSION)
			talk_open(&talks[i]);
		if (!noise_below(4)) {
			struct session session;

			if (talk_session(&talks[i], &session)) {
				session.closer = (uint8_t)noise_below(3);
				talk_session_set(&talks[i], &session);
			}
		}
	}
}

static void say_something(struct talk *talk, struct kernel *kernel, enum kernel_hook hook)
{
	enum talk_side side = hook == HOOK_INGRESS  ? CLIENT
			      : hook == HOOK_EGRESS ? SERVER
			      : noise_below(2)	    ? CLIENT
						    : SERVER;
	uint32_t offset = talk->said[side];
	struct frame frame;
	char bytes[64];
	size_t length = random_words(bytes, side);

	if (!noise_below(8))
		offset -= noise_below(16);
	else if (!noise_below(32))
		offset += noise_below(noise_below(2) ? 5 : ~0u);
	else
		talk->said[side] += (uint32_t)length;
	talk_frame(talk, &frame, side, offset, bytes, length,
		   (uint8_t)(noise_below(16) ? 0 : 1u << noise_below(8)));
	if (noise_below(2))
		noise_mutate(&frame);
	kernel_run(kernel, hook, &frame, noise_below(64) ? 0 : noise_below(3), noise_gso());
}

struct state {
	uint64_t requested, settled, sides_lost;
};

/* Sums the state of all sessions in the maps. */
static struct state talks_look(struct talk *talks)
{
	struct state sum = {};

	for (int i = 0; i < TALKS; i++) {
		struct session session = {};
		struct early_dialogue early = {};
		struct dialogue *d = &session.dialogue;

		if (talk_early(&talks[i], &early)) {
			check(early.dialogue.client.state <= SOCKS_CLIENT_DONE, "state %u",
			      early.dialogue.client.state);
			check(!early.dialogue.settled && !early.dialogue.verdict &&
				      !early.dialogue.server.next,
			      "a server was heard early");
		}
		if (!talk_session(&talks[i], &session)) {
			check(i >= TALKS - WITHOUT_SESSION, "session %d is gone", i);
			continue;
		}
		check(i < TALKS - WITHOUT_SESSION, "a packet made session %d", i);
		check(session.socket == talks[i].socket && d->client.isn == talks[i].isn[CLIENT] &&
			      d->server.isn == talks[i].isn[SERVER],
		      "session %d was overwritten", i);
		check(d->client.state <= SOCKS_CLIENT_DONE && d->server.state <= SOCKS_SERVER_DONE,
		      "states %u, %u", d->client.state, d->server.state);
		check(session.held_filled <= session.held_length &&
			      session.held_length <= ABI_HELD_MAX && !session.closed,
		      "held %u of %u, closed %u", session.held_filled, session.held_length,
		      session.closed);
		check(d->command < ABI_COMMAND_MAX && d->requested <= 1 && d->settled <= 1 &&
			      d->pending <= 1 &&
			      d->verdict < SOCKS_VERDICT_FAILURE + ABI_FAILURE_MAX,
		      "command %u, verdict %u", d->command, d->verdict);
		check(!(d->settled && d->pending) && (!d->settled || d->verdict),
		      "settled %u, pending %u, verdict %u", d->settled, d->pending, d->verdict);
		check(!d->request_ns ||
			      (d->request_ns >= session.opened_ns && d->request_ns <= talk_now()),
		      "of another time");
		sum.requested += d->requested;
		sum.settled += d->settled;
		sum.sides_lost +=
			!!(d->client.flags & DIALOGUE_LOST) + !!(d->server.flags & DIALOGUE_LOST);
	}
	return sum;
}

/*
 * Counters against what the sessions say of themselves: each request, outcome and loss is one
 * session's.
 */
static void talks_check(struct talk *talks, const struct proxy_counters *c)
{
	struct state said = talks_look(talks);
	uint64_t requests = 0, outcomes = c->successes, observed = 0, losses = 0;

	for (int i = 0; i < ABI_COMMAND_MAX; i++)
		requests += ABI_AT(__u64, c->requests, i);
	for (int i = 0; i < ABI_FAILURE_MAX; i++)
		outcomes += ABI_AT(__u64, c->failures, i);
	for (int i = 0; i < ABI_HISTOGRAM_BUCKETS; i++)
		observed += c->request_duration.success.buckets[i] +
			    c->request_duration.failure.buckets[i];
	for (int i = 0; i < ABI_LOSS_MAX; i++)
		losses += ABI_AT(__u64, c->losses, i);
	check(requests == said.requested, "%llu requests, %llu sessions",
	      (unsigned long long)requests, (unsigned long long)said.requested);
	check(outcomes == said.settled && observed == outcomes,
	      "%llu outcomes, %llu sessions, %llu in histograms", (unsigned long long)outcomes,
	      (unsigned long long)said.settled, (unsigned long long)observed);
	check(losses == said.sides_lost && losses == c->losses.out_of_order + c->losses.parse,
	      "%llu losses, %llu sides", (unsigned long long)losses,
	      (unsigned long long)said.sides_lost);
	check(!c->client_connections && !c->client_active && !c->upstream_connects &&
		      !c->upstream_active && !c->upstream_pending,
	      "a packet was taken for a connection");
}

static void fuzz_underlay(struct kernel *kernel, enum kernel_hook hook)
{
	unsigned long packets = noise_setting("FUZZ_PACKETS", FUZZ_PACKETS),
		      seed = noise_setting("FUZZ_SEED", 1) + hook;
	uint64_t requests = 0, outcomes = 0, lost = 0;
	struct talk talks[TALKS];

	noise_seed(seed);
	for (unsigned long done = 0; done < packets && !check_is_failed(); done += FUZZ_BATCH) {
		struct state said;

		check_about("seed %lu, packets up to %lu", seed - hook, done + FUZZ_BATCH);
		talks_begin(talks, kernel);
		for (int i = 0; i < FUZZ_BATCH; i++)
			say_something(&talks[noise_below(TALKS)], kernel, hook);
		talks_check(talks, kernel->counters);
		said = talks_look(talks);
		requests += said.requested;
		outcomes += said.settled;
		lost += said.sides_lost;
		for (int i = 0; i < TALKS; i++)
			talk_end(&talks[i]);
	}
	/* That it was no fuzz in vain. */
	check(lost > packets / FUZZ_BATCH &&
		      (hook == HOOK_EGRESS || requests > packets / FUZZ_BATCH) &&
		      (hook == HOOK_INGRESS || outcomes > packets / FUZZ_BATCH),
	      "only %llu requests, %llu outcomes, %llu losses", (unsigned long long)requests,
	      (unsigned long long)outcomes, (unsigned long long)lost);
}

static void ingress(struct kernel *kernel)
{
	fuzz_underlay(kernel, HOOK_INGRESS);
}

static void egress(struct kernel *kernel)
{
	fuzz_underlay(kernel, HOOK_EGRESS);
}

static void loopback(struct kernel *kernel)
{
	fuzz_underlay(kernel, HOOK_LOOPBACK);
}

const struct test_case fuzz_cases[] = {
	{ "underlay_ingress", ingress },
	{ "underlay_egress", egress },
	{ "underlay_ingress on lo", loopback },
	{ NULL },
};
