// SPDX-License-Identifier: Apache-2.0
/* The series in which a packet counts, and the candidates for a series. */
#include <netinet/in.h>
#include <string.h>

#include "collector/destinations/promotion.h"
#include "tunnel.h"

/* Of the frames: they go from host 1 to host 2. */
static void peer_address(__u64 address[2], int version, enum abi_direction direction)
{
	uint8_t bytes[16];

	frame_address(bytes, version, direction == ABI_RECEIVE ? 1 : 2);
	memcpy(address, bytes, sizeof(bytes));
}

static const struct destination_candidate *candidate_of(const struct kernel *kernel,
							const __u64 address[2])
{
	uint32_t at = abi_destination_hash(address[0], address[1]) &
		      (kernel->destinations.bucket_count - 1);
	const struct destination_bucket *bucket = &kernel->destinations.buckets[at];

	for (int i = 0; i < ABI_CANDIDATE_WAYS; i++) {
		if (ABI_HALVES(bucket->candidates[i].address)[0] == address[0] &&
		    ABI_HALVES(bucket->candidates[i].address)[1] == address[1])
			return &bucket->candidates[i];
	}
	return NULL;
}

/* One packet before the address has a series, one after; neither counts elsewhere too. */
static void before_and_after(struct kernel *kernel, const struct frame_shape *shape,
			     enum abi_direction direction, uint8_t protocol, size_t payload,
			     uint32_t gso_size, uint64_t packets, uint64_t bytes)
{
	enum abi_protocol counted = protocol == IPPROTO_TCP   ? ABI_PROTOCOL_TCP
				    : protocol == IPPROTO_UDP ? ABI_PROTOCOL_UDP
							      : ABI_PROTOCOL_ICMP;
	const struct destination_candidate *candidate;
	const struct destination_count *count;
	struct frame frame;
	__u64 address[2];

	peer_address(address, shape->version, direction);
	tunnel_begin(kernel, 3);
	tunnel_frame(&frame, shape, protocol, payload);
	bytes = bytes ?: frame.length - shape->l2;
	tunnel_send(kernel, direction, &frame, gso_size);
	tunnel_want(direction, shape->version, counted, packets, bytes);
	tunnel_check(kernel);
	candidate = candidate_of(kernel, address);
	check(candidate && candidate->weight == bytes, "no candidate, or one of other weight");
	check(promotion_run(&kernel->destinations, bytes, NULL, NULL) == 1, "not promoted");
	check(!candidate_of(kernel, address), "still a candidate");

	tunnel_send(kernel, direction, &frame, gso_size);
	tunnel_want(direction, shape->version, counted, packets, bytes);
	tunnel_want_own(direction, bytes);
	tunnel_check(kernel);
	count = destination_find(&kernel->destinations, address);
	check(count && ABI_AT(__u64, count->bytes, direction) == bytes &&
		      !ABI_AT(__u64, count->bytes, !direction),
	      "its own bytes");
	check(!candidate_of(kernel, address), "a candidate again");
}

static void own_and_other(struct kernel *kernel)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP,
					     IPPROTO_ICMPV6 };

	for (size_t i = 0; i < sizeof(protocols) * 2 * 2 * 2 * 5; i++) {
		struct frame_shape shape = { i & 1 ? 4 : 6, i & 2 ? 14 : 0, (int)(i / 8 % 5), 0 };

		check_about("IPv%d, L2 %u, direction %d, %d options", shape.version, shape.l2,
			    i & 4 ? 1 : 0, shape.options);
		before_and_after(kernel, &shape, i & 4 ? ABI_TRANSMIT : ABI_RECEIVE,
				 protocols[i / 40 % 4], 60 + i, 0, 1, 0);
	}
}

/* As many bytes as the segments have. */
static void segments(struct kernel *kernel)
{
	struct frame_shape four = { 4, 14, 0, 3 }, six = { 6, 14, 0, 3 };

	before_and_after(kernel, &four, ABI_RECEIVE, IPPROTO_TCP, 2800, 1000, 3,
			 2800 + 3 * (20 + 32));
	before_and_after(kernel, &six, ABI_TRANSMIT, IPPROTO_TCP, 2800, 1000, 3,
			 2800 + 3 * (40 + 32));
}

static void fragments(struct kernel *kernel)
{
	struct frame_shape shape = { 4, 14, 0, 0 };
	struct frame frame;
	__u64 address[2];

	tunnel_begin(kernel, 0);
	peer_address(address, 4, ABI_RECEIVE);
	check(destination_promote(&kernel->destinations, address, NULL) != NULL, "not promoted");
	tunnel_frame(&frame, &shape, IPPROTO_UDP, 1000);
	frame_put16(&frame, frame.network + 6, 0x00b9); /* not the first one */
	tunnel_send(kernel, ABI_RECEIVE, &frame, 0);
	tunnel_want(ABI_RECEIVE, 4, ABI_PROTOCOL_UDP, 1, frame.length - 14);
	tunnel_want_own(ABI_RECEIVE, frame.length - 14);
	tunnel_check(kernel);
}

/* Each of many addresses, all promoted, and buckets that are full. */
static void many(struct kernel *kernel)
{
	struct frame_shape shape = { 6, 14, 0, 0 };
	uint64_t own = 0;
	struct frame frame;

	tunnel_begin(kernel, 0);
	tunnel_frame(&frame, &shape, IPPROTO_UDP, 100);
	for (int round = 0; round < 2; round++) {
		own = 0;
		for (int i = 0; i < 200; i++) {
			const struct destination_count *count;
			__u64 address[2];

			frame.bytes[frame.network + 30] = (uint8_t)i;
			memcpy(address, frame.bytes + frame.network + 24, 16);
			tunnel_send(kernel, ABI_TRANSMIT, &frame, 0);
			tunnel_want(ABI_TRANSMIT, 6, ABI_PROTOCOL_UDP, 1, frame.length - 14);
			count = destination_find(&kernel->destinations, address);
			if (count)
				tunnel_want_own(ABI_TRANSMIT, frame.length - 14);
			own += count && count->bytes.transmit == frame.length - 14;
			if (!round)
				destination_promote(&kernel->destinations, address, NULL);
		}
	}
	check(own == 100, "%llu have their own bytes, not 100", (unsigned long long)own);
	tunnel_check(kernel);
}

/*
 * ::, as in a forged packet, looks like a free way: it counts as `other` and never becomes a
 * candidate.
 */
static void no_address(struct kernel *kernel)
{
	struct frame_shape shape = { 6, 14, 0, 0 };
	struct frame frame;

	tunnel_begin(kernel, 0);
	tunnel_frame(&frame, &shape, IPPROTO_UDP, 100);
	memset(frame.bytes + frame.network + 8, 0, 16);
	tunnel_send(kernel, ABI_RECEIVE, &frame, 0);
	tunnel_want(ABI_RECEIVE, 6, ABI_PROTOCOL_UDP, 1, frame.length - 14);
	tunnel_check(kernel);
	check(promotion_run(&kernel->destinations, 1, NULL, NULL) == 0, ":: was promoted");
}

/* A heavy address among very many light ones. */
static void vote(struct kernel *kernel)
{
	struct frame_shape shape = { 4, 14, 0, 0 };
	const struct destination_candidate *heavy;
	struct frame large, small;
	__u64 address[2];

	tunnel_begin(kernel, 0);
	peer_address(address, 4, ABI_TRANSMIT);
	tunnel_frame(&large, &shape, IPPROTO_UDP, 1400);
	tunnel_frame(&small, &shape, IPPROTO_UDP, 60);
	for (uint32_t i = 0; i < 30000; i++) {
		frame_put16(&small, small.network + 16, 0x0a10 + (i >> 16));
		frame_put16(&small, small.network + 18, i & 0xffff);
		tunnel_send(kernel, ABI_TRANSMIT, &small, 0);
		if (i % 30 == 0)
			tunnel_send(kernel, ABI_TRANSMIT, &large, 0);
	}
	heavy = candidate_of(kernel, address);
	check(heavy && heavy->weight > 1000 * 1400 * 9 / 10, "the heavy one has %llu votes",
	      heavy ? (unsigned long long)heavy->weight : 0ULL);
}

const struct test_case destination_cases[] = {
	{ "destinations/own and other", own_and_other },
	{ "destinations/segments", segments },
	{ "destinations/fragments", fragments },
	{ "destinations/many", many },
	{ "destinations/no address", no_address },
	{ "destinations/vote", vote },
	{ NULL },
};
