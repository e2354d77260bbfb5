// SPDX-License-Identifier: Apache-2.0
/* DNS in datagrams. */
#include <netinet/in.h>
#include <string.h>

#include "dns.h"

#define CLIENT_PORT 40000
#define CLIENT_HOST 1
#define SERVER_HOST 2

/* A datagram between the two, with this payload. */
static void datagram(struct frame *frame, const struct dns_way *way, bool answer,
		     const void *payload, size_t length)
{
	frame_begin(frame, &way->shape, answer ? SERVER_HOST : CLIENT_HOST,
		    answer ? CLIENT_HOST : SERVER_HOST, IPPROTO_UDP);
	frame_udp(frame, answer ? 53 : CLIENT_PORT, answer ? CLIENT_PORT : 53);
	frame_put16(frame, frame->transport + 4, (uint32_t)length + 8);
	frame_payload(frame, payload, length);
	frame_end(frame);
}

static void say(struct kernel *kernel, const struct dns_way *way, bool answer, uint16_t id,
		uint8_t rcode)
{
	uint8_t message[64];
	struct frame frame;

	datagram(&frame, way, answer, message, dns_message(message, id, answer, 28, rcode));
	dns_send(kernel, way, answer, &frame, 0);
}

static uint64_t leaks(const struct dns_way *way, uint64_t queries)
{
	return way->path == ABI_PATH_UNDERLAY ? queries : 0;
}

static void asked_and_answered(struct kernel *kernel)
{
	for (int i = 0; i < DNS_WAYS; i++) {
		const struct dns_way *way = &dns_ways[i];
		struct dns_want want = { .queries.aaaa = 1, .pending = 1, .leaked = leaks(way, 1) };

		check_about("%s", way->name);
		dns_begin(kernel);
		say(kernel, way, false, 7, 0);
		dns_check(kernel, way, &want);
		say(kernel, way, true, 8, 3); /* another's */
		dns_check(kernel, way, &want);
		say(kernel, way, true, 7, 3);
		want.pending = 0;
		want.responses.nxdomain = 1;
		dns_check(kernel, way, &want);
		say(kernel, way, true, 7, 3); /* once more */
		dns_check(kernel, way, &want);
	}
}

/* The same packets without a proxy, or in the wrong direction. */
static void not_ours(struct kernel *kernel)
{
	for (int i = 0; i < DNS_WAYS; i++) {
		const struct dns_way *way = &dns_ways[i];
		struct dns_want want = {};
		uint8_t message[64];
		struct frame frame;

		check_about("%s", way->name);
		dns_begin(kernel);
		kernel->came_in_by = kernel->ifindex;
		say(kernel, way, false, 7, 0);
		kernel->came_in_by = 0;
		say(kernel, way, true, 7, 0);
		datagram(&frame, way, false, message, dns_message(message, 7, false, 1, 0));
		dns_send(kernel, way, true, &frame, 0); /* a query comes */
		kernel_run(kernel, HOOK_LOOPBACK, &frame, 0, 0);
		datagram(&frame, way, true, message, dns_message(message, 7, true, 1, 0));
		dns_send(kernel, way, false, &frame, 0); /* an answer leaves */
		datagram(&frame, way, false, message, dns_message(message, 7, true, 1, 0));
		dns_send(kernel, way, false, &frame,
			 0); /* an answer that leaves for the server's port */
		frame_put16(&frame, frame.transport + 2, 5353);
		dns_send(kernel, way, false, &frame, 0);
		dns_check(kernel, way, &want);
	}
}

/* An answer of the other path, or from another address. */
static void somebody_elses_answer(struct kernel *kernel)
{
	const struct dns_way *way = &dns_ways[0], *other = &dns_ways[2];
	struct dns_want want = { .queries.aaaa = 1, .pending = 1 };
	uint8_t message[64];
	struct frame frame;

	dns_begin(kernel);
	say(kernel, way, false, 7, 0);
	say(kernel, other, true, 7, 0);
	datagram(&frame, way, true, message, dns_message(message, 7, true, 1, 0));
	frame.bytes[frame.network + 15]++;
	dns_send(kernel, way, true, &frame, 0);
	dns_check(kernel, way, &want);
}

/* Ethernet pads short frames; a header may state less or more than the packet has. */
static void lengths(struct kernel *kernel)
{
	for (int i = 0; i < DNS_WAYS; i++) {
		const struct dns_way *way = &dns_ways[i];

		for (uint32_t stated = 0; stated < 64; stated++) {
			struct dns_want want = {};
			bool header = stated >= 8 + 12;
			uint8_t message[64] = {};
			struct frame frame;

			check_about("%s, a stated length of %u", way->name, stated);
			dns_begin(kernel);
			dns_message(message, 7, false, 28, 0);
			datagram(&frame, way, false, message, 40);
			frame_put16(&frame, frame.transport + 4, stated);
			dns_send(kernel, way, false, &frame, 0);
			*(stated < 8 + 21 ? &want.queries.other : &want.queries.aaaa) = header;
			want.pending = header;
			want.leaked = leaks(way, header);
			want.losses.parse = !header;
			dns_check(kernel, way, &want);
		}
	}
}

static void fragments(struct kernel *kernel)
{
	for (int i = 0; i < DNS_WAYS; i++) {
		const struct dns_way *way = &dns_ways[i];
		struct dns_want want = { .queries.aaaa = 1, .pending = 1, .leaked = leaks(way, 1) };
		uint8_t message[64];
		struct frame frame;

		if (way->shape.version == 6)
			continue;
		check_about("%s", way->name);
		dns_begin(kernel);
		datagram(&frame, way, false, message, dns_message(message, 7, false, 28, 0));
		frame_put16(&frame, frame.transport + 4, 3000);
		frame_put16(&frame, frame.network + 6, 0x2000);
		dns_send(kernel, way, false, &frame, 0);
		dns_check(kernel, way, &want);
		frame_put16(&frame, frame.network + 6, 0x2010);
		dns_send(kernel, way, false, &frame, 0);
		dns_check(kernel, way, &want);
	}
}

/* The first fragment is a query, the others are its data; an "atomic" one is whole. */
static void ipv6_fragments(struct kernel *kernel)
{
	static const struct {
		uint32_t field;
		bool first;
	} cases[] = { { 0, true }, { 1, true }, { 8, false }, { 9, false } };

	for (int i = 0; i < DNS_WAYS; i++)
		for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
			const struct dns_way *way = &dns_ways[i];
			struct dns_way whole = *way;
			struct dns_want want = { .queries.aaaa = cases[n].first,
						 .pending = cases[n].first,
						 .leaked = leaks(way, cases[n].first) };
			uint8_t message[64];
			struct frame frame;

			if (way->shape.version == 4)
				continue;
			check_about("%s, fragment field %u", way->name, cases[n].field);
			whole.shape.options = 1;
			dns_begin(kernel);
			datagram(&frame, &whole, false, message,
				 dns_message(message, 7, false, 28, 0));
			frame.bytes[frame.network + 6] = IPPROTO_FRAGMENT;
			frame_put16(&frame, frame.network + 42, cases[n].field);
			dns_send(kernel, way, false, &frame, 0);
			dns_check(kernel, way, &want);
		}
}

/*
 * An IPv4 header length below 20: the bytes there are an address, not ports. The kernel drops the
 * packet.
 */
static void short_header(struct kernel *kernel)
{
	for (int i = 0; i < DNS_WAYS; i++) {
		const struct dns_way *way = &dns_ways[i];
		struct dns_want want = {};
		uint8_t message[64];
		struct frame frame;

		if (way->shape.version == 6 || way->shape.options)
			continue;
		check_about("%s", way->name);
		dns_begin(kernel);
		datagram(&frame, way, false, message, dns_message(message, 7, false, 28, 0));
		frame.bytes[frame.network] = 0x43;	     /* to the source address */
		frame_put16(&frame, frame.network + 14, 53); /* its second half as a port */
		memcpy(frame.bytes + frame.network + 20, message,
		       20); /* behind what would be the UDP header */
		dns_send(kernel, way, false, &frame, 0);
		dns_check(kernel, way, &want);
	}
}

/* Datagrams of one size in one skb, the last perhaps shorter. */
static void merged(struct kernel *kernel)
{
	for (int i = 0; i < DNS_WAYS; i++)
		for (uint32_t count = 1; count <= 136; count += count < 20 ? 1 : 29) {
			const struct dns_way *way = &dns_ways[i];
			uint32_t seen = count < 128 ? count : 128;
			struct dns_want want = { .queries.aaaa = seen,
						 .responses.refused = seen,
						 .leaked = leaks(way, seen),
						 .losses.parse = count > 128 ? 2 : 0 };
			uint8_t all[2900];
			struct frame frame;

			check_about("%s, %u datagrams", way->name, count);
			dns_begin(kernel);
			for (int answer = 0; answer < 2; answer++) {
				size_t size = 0, one = 0;

				for (uint32_t n = 0; n < count; n++, size += one)
					one = dns_message(all + size, (uint16_t)n, answer, 28, 5);
				datagram(&frame, way, answer, all, size);
				dns_send(kernel, way, answer, &frame, (uint32_t)one);
			}
			dns_check(kernel, way, &want);
		}
}

static void again(struct kernel *kernel)
{
	const struct dns_way *way = &dns_ways[0];
	struct dns_want want = { .queries.aaaa = ABI_DNS_TURNS + 2,
				 .pending = ABI_DNS_TURNS,
				 .losses.insert = 2 };

	dns_begin(kernel);
	for (int i = 0; i < ABI_DNS_TURNS + 2; i++)
		say(kernel, way, false, 7, 0);
	dns_check(kernel, way, &want);
	for (int i = 0; i < ABI_DNS_TURNS + 2; i++)
		say(kernel, way, true, 7, 0);
	want.pending = 0;
	want.responses.noerror = ABI_DNS_TURNS;
	dns_check(kernel, way, &want);
}

const struct test_case dns_cases[] = {
	{ "datagram/asked and answered", asked_and_answered },
	{ "datagram/not ours", not_ours },
	{ "datagram/somebody else's answer", somebody_elses_answer },
	{ "datagram/lengths", lengths },
	{ "datagram/fragments", fragments },
	{ "datagram/IPv6 fragments", ipv6_fragments },
	{ "datagram/a short IPv4 header", short_header },
	{ "datagram/merged", merged },
	{ "datagram/again", again },
	{ NULL },
};
