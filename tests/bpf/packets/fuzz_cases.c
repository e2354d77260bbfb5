// SPDX-License-Identifier: Apache-2.0
/*
 * Packets that nobody would send, through each program. Whatever they are, they go on unchanged (kernel_run sees to that), and what
 * is counted agrees with itself. FUZZ_SEED and FUZZ_PACKETS in the environment choose others.
 */
#include <bpf/bpf.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "talk.h"
#include "bpf/socks.h"

#define PACKETS 200000
#define BATCH 2000 /* packets between two looks at the counters */
#define TALKS 24
#define WITHOUT_SESSION 4 /* of the talks: what they say is early */

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % limit;
}

static unsigned long setting(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 10) : otherwise;
}

static uint32_t random_gso(void)
{
	return random_below(3) ? 0 : random_below(2) ? 1 + random_below(1500) : random_below(65536);
}

/* A bit or a byte, mostly in the headers; a cut; a packet of noise. */
static void mutate(struct frame *frame)
{
	for (uint32_t i = random_below(4); i; i--) {
		size_t headers = frame->payload < frame->length ? frame->payload : frame->length;
		size_t at = random_below((uint32_t)(random_below(4) ? headers : frame->length));

		if (at == 12 || at == 13) /* what makes it IP: changed below, and seldom */
			continue;
		frame->bytes[at] =
			(uint8_t)(random_below(2) ? random_below(256) : frame->bytes[at] ^ (1u << random_below(8)));
	}
	if (!random_below(16))
		frame->length = 34 + random_below((uint32_t)frame->length - 33);
	if (!random_below(64))
		frame->bytes[12 + random_below(2)] = (uint8_t)random_below(256);
	if (!random_below(64))
		for (size_t at = 14; at < frame->length; at++)
			frame->bytes[at] = (uint8_t)random_below(256);
}

static struct frame_shape random_shape(void)
{
	int version = random_below(2) ? 4 : 6;

	return (struct frame_shape){ version, 14 * random_below(2), (int)random_below(version == 4 ? 4 : 3),
				     (int)random_below(4) };
}

/* ---- underlay ---- */

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

	for (uint32_t n = random_below(3); n || !length; n -= n > 0) {
		uint32_t word = random_below(10);

		memcpy(bytes + length, words[side][word].bytes, words[side][word].length);
		length += words[side][word].length;
	}
	if (!random_below(8))
		bytes[random_below((uint32_t)length)] = (char)random_below(256);
	return random_below(4) ? length : 1 + random_below((uint32_t)length);
}

static void talks_begin(struct talk *talks, struct kernel *kernel)
{
	for (int i = 0; i < TALKS; i++) {
		struct talk_way way = { random_shape(), false, "" };

		talk_begin(&talks[i], kernel, &way);
		talks[i].isn[CLIENT] = random_below(2) ? random_below(~0u) : 0u - random_below(20);
		talks[i].isn[SERVER] = random_below(2) ? random_below(~0u) : 0u - random_below(20);
		if (i < TALKS - WITHOUT_SESSION)
			talk_open(&talks[i]);
		if (!random_below(4)) {
			struct session session;

			if (talk_session(&talks[i], &session)) {
				session.closer = (uint8_t)random_below(3);
				talk_session_set(&talks[i], &session);
			}
		}
	}
}

static void say_something(struct talk *talk, struct kernel *kernel, enum kernel_hook hook)
{
	enum talk_side side = hook == HOOK_INGRESS  ? CLIENT
			      : hook == HOOK_EGRESS ? SERVER
			      : random_below(2)	    ? CLIENT
						    : SERVER;
	uint32_t offset = talk->said[side];
	struct frame frame;
	char bytes[64];
	size_t length = random_words(bytes, side);

	if (!random_below(8))
		offset -= random_below(16);
	else if (!random_below(32))
		offset += random_below(random_below(2) ? 5 : ~0u);
	else
		talk->said[side] += (uint32_t)length;
	talk_frame(talk, &frame, side, offset, bytes, length, (uint8_t)(random_below(16) ? 0 : 1u << random_below(8)));
	if (random_below(2))
		mutate(&frame);
	kernel_run(kernel, hook, &frame, random_below(64) ? 0 : random_below(3), random_gso());
}

struct state {
	uint64_t requested, settled, sides_lost;
};

/* What the sessions themselves say. */
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
			check(!early.dialogue.settled && !early.dialogue.verdict && !early.dialogue.server.next,
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
		check(d->client.state <= SOCKS_CLIENT_DONE && d->server.state <= SOCKS_SERVER_DONE, "states %u, %u",
		      d->client.state, d->server.state);
		check(session.held_filled <= session.held_length && session.held_length <= ABI_HELD_MAX &&
			      !session.closed,
		      "held %u of %u, closed %u", session.held_filled, session.held_length, session.closed);
		check(d->command < ABI_COMMAND_MAX && d->requested <= 1 && d->settled <= 1 && d->pending <= 1 &&
			      d->verdict < SOCKS_VERDICT_FAILURE + ABI_FAILURE_MAX,
		      "command %u, verdict %u", d->command, d->verdict);
		check(!(d->settled && d->pending) && (!d->settled || d->verdict), "settled %u, pending %u, verdict %u",
		      d->settled, d->pending, d->verdict);
		check(!d->request_ns || (d->request_ns >= session.opened_ns && d->request_ns <= talk_now()),
		      "of another time");
		sum.requested += d->requested;
		sum.settled += d->settled;
		sum.sides_lost += !!(d->client.flags & DIALOGUE_LOST) + !!(d->server.flags & DIALOGUE_LOST);
	}
	return sum;
}

/* Counters against what the sessions say of themselves: each request, outcome and loss is one session's. */
static void talks_check(struct talk *talks, const struct proxy_counters *c)
{
	struct state said = talks_look(talks);
	uint64_t requests = 0, outcomes = c->successes, observed = 0, losses = 0;

	for (int i = 0; i < ABI_COMMAND_MAX; i++)
		requests += c->requests[i];
	for (int i = 0; i < ABI_FAILURE_MAX; i++)
		outcomes += c->failures[i];
	for (int i = 0; i < ABI_HISTOGRAM_BUCKETS; i++)
		observed += c->request_duration[0].buckets[i] + c->request_duration[1].buckets[i];
	for (int i = 0; i < ABI_LOSS_MAX; i++)
		losses += c->losses[i];
	check(requests == said.requested, "%llu requests, %llu sessions", (unsigned long long)requests,
	      (unsigned long long)said.requested);
	check(outcomes == said.settled && observed == outcomes, "%llu outcomes, %llu sessions, %llu in histograms",
	      (unsigned long long)outcomes, (unsigned long long)said.settled, (unsigned long long)observed);
	check(losses == said.sides_lost && losses == c->losses[ABI_LOSS_OUT_OF_ORDER] + c->losses[ABI_LOSS_PARSE],
	      "%llu losses, %llu sides", (unsigned long long)losses, (unsigned long long)said.sides_lost);
	check(!c->client_connections && !c->client_active && !c->upstream_connects && !c->upstream_active &&
		      !c->upstream_pending,
	      "a packet was taken for a connection");
}

static void fuzz_underlay(struct kernel *kernel, enum kernel_hook hook)
{
	unsigned long packets = setting("FUZZ_PACKETS", PACKETS), seed = setting("FUZZ_SEED", 1) + hook;
	uint64_t requests = 0, outcomes = 0, lost = 0;
	struct talk talks[TALKS];

	random_state = 88172645463325252ULL * (2 * seed + 1);
	for (unsigned long done = 0; done < packets && !check_is_failed(); done += BATCH) {
		struct state said;

		check_about("seed %lu, packets up to %lu", seed - hook, done + BATCH);
		talks_begin(talks, kernel);
		for (int i = 0; i < BATCH; i++)
			say_something(&talks[random_below(TALKS)], kernel, hook);
		talks_check(talks, kernel->counters);
		said = talks_look(talks);
		requests += said.requested;
		outcomes += said.settled;
		lost += said.sides_lost;
		for (int i = 0; i < TALKS; i++)
			talk_end(&talks[i]);
	}
	/* That it was no fuzz in vain. */
	check(lost > packets / BATCH && (hook == HOOK_EGRESS || requests > packets / BATCH) &&
		      (hook == HOOK_INGRESS || outcomes > packets / BATCH),
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

/* ---- tunnel ---- */

static void random_packet(struct frame *frame)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_GRE };
	struct frame_shape shape = random_shape();
	uint8_t protocol = protocols[random_below(sizeof(protocols))];
	uint8_t bytes[1200] = {};

	frame_begin(frame, &shape, 1, 2, protocol);
	if (protocol == IPPROTO_TCP)
		frame_tcp(frame, shape.tcp_options, 1, 2, 3, FRAME_TCP_ACK);
	frame_payload(frame, bytes, 20 + random_below(random_below(4) ? 100 : sizeof(bytes) - 20));
	frame_end(frame);
	mutate(frame);
}

/* Without GSO each IP packet is one, with all its bytes. With it, at least that, and at most one packet a byte. */
static void fuzz_tunnel(struct kernel *kernel, enum kernel_hook hook, enum abi_direction direction)
{
	unsigned long packets = setting("FUZZ_PACKETS", PACKETS), seed = setting("FUZZ_SEED", 1) + hook;

	random_state = 88172645463325252ULL * (2 * seed + 1);
	for (unsigned long done = 0; done < packets && !check_is_failed(); done += BATCH) {
		uint64_t sent = 0, bytes = 0, least = 0, counted = 0, counted_bytes = 0;
		bool gso = done / BATCH & 1;
		struct tunnel_counters c;

		check_about("seed %lu, packets up to %lu", seed - hook, done + BATCH);
		kernel_reset(kernel);
		for (int i = 0; i < BATCH; i++) {
			struct frame frame;
			uint32_t protocol;

			random_packet(&frame);
			protocol = frame.bytes[12] << 8u | frame.bytes[13];
			if (!kernel_run(kernel, hook, &frame, 3, gso ? random_gso() : 0))
				continue;
			if (protocol != 0x0800 && protocol != 0x86dd)
				continue;
			sent++;
			bytes += frame.length - frame.l2;
			least += frame.length;
		}
		c = kernel_tunnel(kernel, 3);
		for (int family = 0; family < ABI_FAMILY_MAX; family++)
			for (int p = 0; p < ABI_PROTOCOL_MAX; p++) {
				counted += c.traffic[direction][family][p].packets;
				counted_bytes += c.traffic[direction][family][p].bytes;
				check(!c.traffic[!direction][family][p].packets, "the other direction has packets");
			}
		check(gso ? counted >= sent && counted <= sent + least && counted_bytes >= bytes
			  : counted == sent && counted_bytes == bytes,
		      "%llu packets of %llu bytes are %llu of %llu", (unsigned long long)sent,
		      (unsigned long long)bytes, (unsigned long long)counted, (unsigned long long)counted_bytes);
		check(sent > BATCH / 2, "the kernel took only %llu", (unsigned long long)sent);
	}
}

static void receive(struct kernel *kernel)
{
	fuzz_tunnel(kernel, HOOK_TUNNEL_RECEIVE, ABI_RECEIVE);
}

static void transmit(struct kernel *kernel)
{
	fuzz_tunnel(kernel, HOOK_TUNNEL_TRANSMIT, ABI_TRANSMIT);
}

const struct test_case fuzz_cases[] = {
	{ "tunnel_receive", receive }, { "tunnel_transmit", transmit },	  { "underlay_ingress", ingress },
	{ "underlay_egress", egress }, { "underlay_loopback", loopback }, { NULL },
};
