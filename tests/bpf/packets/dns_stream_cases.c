// SPDX-License-Identifier: Apache-2.0
/* DNS over TCP: the same messages, in segments of every kind. */
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "dns.h"

#define MESSAGES 9
#define STREAM_MAX 1024

struct stream {
	struct kernel *kernel;
	const struct dns_way *way;
	uint32_t isn[2];
	uint8_t said[2][STREAM_MAX];
	size_t length[2];
	struct dns_want want;
};

static void segment(struct stream *s, bool answer, size_t offset, size_t length, uint8_t flags)
{
	struct frame frame;

	frame_begin(&frame, &s->way->shape, answer ? 2 : 1, answer ? 1 : 2, IPPROTO_TCP);
	frame_tcp(&frame, s->way->shape.tcp_options, answer ? 53 : 40000, answer ? 40000 : 53,
		  s->isn[answer] + !(flags & FRAME_TCP_SYN) + (uint32_t)offset, flags);
	frame_payload(&frame, s->said[answer] + offset, length);
	frame_end(&frame);
	dns_send(s->kernel, s->way, answer, &frame, 0);
}

static void stream_begin(struct stream *s, struct kernel *kernel, const struct dns_way *way,
			 uint32_t isn)
{
	*s = (struct stream){ .kernel = kernel, .way = way, .isn = { isn, isn + 77 } };
	dns_begin(kernel);
	for (int answer = 0; answer < 2; answer++)
		for (uint16_t id = 0; id < MESSAGES; id++) {
			uint8_t *at = s->said[answer] + s->length[answer];
			size_t size = dns_message(at + 2, id, answer, 15, 2) + id * 3u;

			at[0] = (uint8_t)(size >> 8);
			at[1] = (uint8_t)size;
			s->length[answer] += 2 + size;
		}
	segment(s, false, 0, 0, FRAME_TCP_SYN);
	segment(s, true, 0, 0, FRAME_TCP_SYN | FRAME_TCP_ACK);
	s->want.streams = 1;
	s->want.queries.mx = MESSAGES;
	s->want.responses.servfail = MESSAGES;
	s->want.leaked = way->path == ABI_PATH_UNDERLAY ? MESSAGES : 0;
}

static void stream_check(struct stream *s)
{
	dns_check(s->kernel, s->way, &s->want);
}

/* Both close: nothing stays. */
static void stream_end(struct stream *s)
{
	segment(s, false, s->length[0], 0, FRAME_TCP_FIN | FRAME_TCP_ACK);
	stream_check(s);
	segment(s, true, s->length[1], 0, FRAME_TCP_FIN | FRAME_TCP_ACK);
	s->want.streams = 0;
	stream_check(s);
}

/*
 * All of both sides in segments of `size`, each of which begins `back` bytes before the end of the
 * one before.
 */
static void pieces(struct stream *s, size_t size, size_t back)
{
	for (int answer = 0; answer < 2; answer++)
		for (size_t at = 0; at < s->length[answer]; at += size) {
			size_t from = at < back ? 0 : at - back;
			size_t end = at + size < s->length[answer] ? at + size : s->length[answer];

			segment(s, answer, from, end - from, FRAME_TCP_ACK);
		}
}

static void in_segments(struct kernel *kernel)
{
	for (int i = 0; i < DNS_WAYS; i++)
		for (size_t size = 1; size < 420; size += size < 60 ? 1 : 37) {
			struct stream s;

			check_about("%s, segments of %zu", dns_ways[i].name, size);
			stream_begin(&s, kernel, &dns_ways[i], 1000);
			pieces(&s, size, 0);
			stream_check(&s);
			stream_end(&s);
		}
}

static void overlapping(struct kernel *kernel)
{
	for (int i = 0; i < DNS_WAYS; i++)
		for (size_t size = 1; size < 60; size += 3)
			for (size_t back = 1; back < 60; back += 7) {
				struct stream s;

				check_about("%s, segments of %zu, again %zu", dns_ways[i].name,
					    size, back);
				stream_begin(&s, kernel, &dns_ways[i],
					     0xffffff80u + (uint32_t)back);
				pieces(&s, size, back);
				pieces(&s, size + 1, 0); /* and once more, all of it */
				stream_check(&s);
				stream_end(&s);
			}
}

/* Sequence numbers wrap anywhere. */
static void wrap_around(struct kernel *kernel)
{
	for (uint32_t n = 0; n < 400; n++) {
		struct stream s;

		check_about("2^32 after %u", n);
		stream_begin(&s, kernel, &dns_ways[n % DNS_WAYS], 0u - n);
		pieces(&s, 50, 0);
		stream_check(&s);
		stream_end(&s);
	}
}

static void syn_again(struct kernel *kernel)
{
	const struct dns_way *way = &dns_ways[0];
	struct stream s;

	stream_begin(&s, kernel, way, 500);
	segment(&s, false, 0, 30, FRAME_TCP_ACK);
	segment(&s, false, 0, 0, FRAME_TCP_SYN); /* the same one: no new stream */
	segment(&s, true, 0, 0, FRAME_TCP_SYN | FRAME_TCP_ACK);
	pieces(&s, 31, 0);
	stream_check(&s);
	s.isn[0] += 4711; /* the ports are used again, and no end was seen */
	s.isn[1] += 100;
	segment(&s, false, 0, 0, FRAME_TCP_SYN);
	segment(&s, true, 0, 0, FRAME_TCP_SYN | FRAME_TCP_ACK);
	pieces(&s, 13, 0);
	s.want.queries.mx *= 2;
	s.want.responses.servfail *= 2;
	stream_check(&s);
	stream_end(&s);
}

/* TCP Fast Open: on the SYN, and again when the server did not take it. */
static void data_on_the_syn(struct kernel *kernel)
{
	struct stream s;

	stream_begin(&s, kernel, &dns_ways[1], 500);
	segment(&s, false, 0, 0, FRAME_TCP_RST);
	s.isn[0] += 1000;
	segment(&s, false, 0, 100, FRAME_TCP_SYN);
	segment(&s, true, 0, 0, FRAME_TCP_SYN | FRAME_TCP_ACK);
	pieces(&s, 60, 0);
	stream_check(&s);
	stream_end(&s);
}

static void reset(struct kernel *kernel)
{
	struct stream s;

	for (int i = 0; i < DNS_WAYS; i++) {
		check_about("%s", dns_ways[i].name);
		stream_begin(&s, kernel, &dns_ways[i], 9);
		pieces(&s, 400, 0);
		segment(&s, true, s.length[1] + 5, 0, FRAME_TCP_RST); /* a guess of an attacker */
		stream_check(&s);
		segment(&s, i & 1, s.length[i & 1], 0, FRAME_TCP_RST);
		s.want.streams = 0;
		stream_check(&s);
	}
}

/* A stream without its SYN: each segment of queries is a loss; segments of answers are ignored. */
static void without_begin(struct kernel *kernel)
{
	struct stream s;

	stream_begin(&s, kernel, &dns_ways[0], 9);
	segment(&s, false, 0, 0, FRAME_TCP_RST);
	pieces(&s, 100, 0);
	s.want = (struct dns_want){ .losses.parse = (s.length[0] + 99) / 100 };
	stream_check(&s);
}

/*
 * Queries in a segment that travels in fragments cannot be read: one loss, also where nothing
 * follows.
 */
static void fragments(struct kernel *kernel)
{
	static const uint32_t fields[] = { 0x2000, 0x2010, 0x0020 };

	for (int i = 0; i < DNS_WAYS; i++) {
		const struct dns_way *way = &dns_ways[i];
		struct frame frame;
		struct stream s;

		if (way->shape.version == 6)
			continue;
		check_about("%s", way->name);
		stream_begin(&s, kernel, way, 9);
		s.want = (struct dns_want){ .streams = 1, .losses.parse = 1 };
		frame_begin(&frame, &way->shape, 1, 2, IPPROTO_TCP);
		frame_tcp(&frame, way->shape.tcp_options, 40000, 53, s.isn[0] + 1, FRAME_TCP_ACK);
		frame_payload(&frame, s.said[0], 200);
		frame_end(&frame);
		for (size_t n = 0; n < sizeof(fields) / sizeof(fields[0]); n++) {
			frame_put16(&frame, frame.network + 6, fields[n]);
			dns_send(kernel, way, false, &frame, 0);
			stream_check(&s);
		}
	}
}

/* Answers: the first message is long, and its segments come in another order. */
static void overtaken(struct kernel *kernel)
{
	static const struct {
		size_t order[4]; /* of four segments */
		bool lost;
	} orders[] = { { { 0, 1, 2, 3 }, false }, { { 0, 2, 1, 3 }, false },
		       { { 1, 0, 2, 3 }, false }, { { 2, 1, 0, 3 }, false },
		       { { 1, 2, 0, 3 }, false }, { { 0, 3, 1, 2 }, false },
		       { { 3, 0, 1, 2 }, true },  { { 1, 3, 0, 2 }, true } };

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		const size_t size = 150;
		struct stream s;

		check_about("order %zu", i);
		stream_begin(&s, kernel, &dns_ways[0], 9);
		segment(&s, false, 0, 3 * 23 + 3 + 6, FRAME_TCP_ACK); /* three queries */
		s.want.queries.mx = 3;
		s.want.responses.servfail = orders[i].lost ? 1 : 2;
		s.want.pending = orders[i].lost ? 2 : 1;
		s.want.losses.out_of_order = orders[i].lost;
		memset(s.said[1], 0, sizeof(s.said[1]));
		s.said[1][0] = (3 * size + 48) >>
			       8; /* the second message begins 50 bytes into the last segment */
		s.said[1][1] = (uint8_t)(3 * size + 48);
		dns_message(s.said[1] + 2, 0, true, 1, 2);
		s.said[1][3 * size + 51] = 22; /* and up to the next only empty ones */
		dns_message(s.said[1] + 3 * size + 52, 1, true, 1, 2);
		for (int n = 0; n < 4; n++)
			segment(&s, true, orders[i].order[n] * size, size, FRAME_TCP_ACK);
		stream_check(&s);
		s.said[1][4 * size + 1] = 21; /* what follows is read again */
		dns_message(s.said[1] + 4 * size + 2, 2, true, 1, 2);
		segment(&s, true, 4 * size, 23, FRAME_TCP_ACK);
		s.want.responses.servfail++;
		s.want.pending--;
		stream_check(&s);
	}
}

/*
 * Both CPUs with the same segments at once, as for a retransmission whose sender has moved to
 * another CPU.
 */
struct pair {
	struct stream *stream;
	int arrived;
	bool ended;
};

static void meet(struct pair *pair)
{
	int both = (__atomic_fetch_add(&pair->arrived, 1, __ATOMIC_SEQ_CST) | 1) + 1;

	for (int spins = 0; __atomic_load_n(&pair->arrived, __ATOMIC_SEQ_CST) < both; spins++)
		if (spins > 200000)
			sched_yield();
}

/* Each segment at nearly the same time. */
static void pieces_at_once(struct pair *pair)
{
	struct stream *s = pair->stream;

	for (int answer = 0; answer < 2; answer++)
		for (size_t at = 0; at < s->length[answer]; at += 23) {
			size_t left = s->length[answer] - at;

			meet(pair);
			segment(s, answer, at, left < 23 ? left : 23, FRAME_TCP_ACK);
		}
	meet(pair);
}

static void *other_main(void *argument)
{
	struct pair *pair = argument;

	for (;;) {
		meet(pair);
		if (pair->ended)
			return NULL;
		pieces_at_once(pair);
	}
}

static void at_once(struct kernel *kernel)
{
	struct stream s;
	struct pair pair = { .stream = &s };
	pthread_t other;

	if (!check(pthread_create(&other, NULL, other_main, &pair) == 0, "no thread"))
		return;
	for (int n = 0; n < 300 && !check_is_failed(); n++) {
		check_about("talk %d", n);
		stream_begin(&s, kernel, &dns_ways[n % DNS_WAYS], 1000u + (uint32_t)n);
		meet(&pair);
		pieces_at_once(&pair);
		stream_check(&s);
	}
	pair.ended = true;
	meet(&pair);
	pthread_join(other, NULL);
}

const struct test_case dns_stream_cases[] = {
	{ "stream/at once", at_once },
	{ "stream/in segments", in_segments },
	{ "stream/overlapping", overlapping },
	{ "stream/sequence numbers wrap", wrap_around },
	{ "stream/SYN again", syn_again },
	{ "stream/data on the SYN", data_on_the_syn },
	{ "stream/reset", reset },
	{ "stream/without its begin", without_begin },
	{ "stream/fragments", fragments },
	{ "stream/overtaken", overtaken },
	{ NULL },
};
