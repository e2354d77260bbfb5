// SPDX-License-Identifier: Apache-2.0
/* How a single packet counts. */
#include <netinet/in.h>

#include "tunnel.h"

static const struct {
	uint8_t number;
	enum abi_protocol counted;
} protocols[] = {
	{ IPPROTO_TCP, ABI_PROTOCOL_TCP },    { IPPROTO_UDP, ABI_PROTOCOL_UDP },
	{ IPPROTO_ICMP, ABI_PROTOCOL_ICMP },  { IPPROTO_ICMPV6, ABI_PROTOCOL_ICMP },
	{ IPPROTO_GRE, ABI_PROTOCOL_OTHER },  { IPPROTO_SCTP, ABI_PROTOCOL_OTHER },
	{ IPPROTO_IPIP, ABI_PROTOCOL_OTHER }, { IPPROTO_ESP, ABI_PROTOCOL_OTHER },
	{ IPPROTO_AH, ABI_PROTOCOL_OTHER },
};
#define PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

static void plain(struct kernel *kernel)
{
	for (uint32_t index = 0; index < ABI_TUNNELS_MAX; index++) {
		tunnel_begin(kernel, index);
		for (size_t i = 0; i < PROTOCOLS * 2 * 2 * ABI_DIRECTION_MAX; i++) {
			size_t protocol = i % PROTOCOLS, rest = i / PROTOCOLS,
			       payload = 40 + i * 23;
			struct frame_shape shape = { rest & 1 ? 4 : 6, rest & 2 ? 14 : 0,
						     (int)(i % 4), (int)(i % 3) };
			enum abi_direction direction = rest & 4 ? ABI_RECEIVE : ABI_TRANSMIT;
			struct frame frame;

			tunnel_frame(&frame, &shape, protocols[protocol].number, payload);
			tunnel_send(kernel, direction, &frame, 0);
			tunnel_want(direction, shape.version, protocols[protocol].counted, 1,
				    frame.length - shape.l2);
			check_about("tunnel index %u, packet %zu", index, i);
			tunnel_check(kernel);
		}
	}
}

/*
 * Every protocol number of the header, except those of the IPv6 extension headers that the program
 * skips.
 */
static void each_protocol(struct kernel *kernel)
{
	for (int version = 4; version <= 6; version += 2)
		for (int number = 0; number < 256; number++) {
			struct frame_shape shape = { version, 14, 0, 0 };
			enum abi_protocol counted = ABI_PROTOCOL_OTHER;
			struct frame frame;

			check_about("IPv%d, protocol %d", version, number);
			if (version == 6 &&
			    (number == 0 || number == 43 || number == 44 || number == 60))
				continue;
			for (size_t i = 0; i < PROTOCOLS; i++)
				if (protocols[i].number == number)
					counted = protocols[i].counted;
			tunnel_begin(kernel, 0);
			tunnel_frame(&frame, &shape, (uint8_t)number, 77);
			tunnel_send(kernel, ABI_TRANSMIT, &frame, 0);
			tunnel_want(ABI_TRANSMIT, version, counted, 1, frame.length - 14);
			tunnel_check(kernel);
		}
}

static void extension_headers(struct kernel *kernel)
{
	for (int extensions = 0; extensions <= 5; extensions++)
		for (size_t i = 0; i < PROTOCOLS; i++) {
			struct frame_shape shape = { 6, 14 * (i & 1), extensions, 0 };
			struct frame frame;

			check_about("%d extension headers before protocol %d", extensions,
				    protocols[i].number);
			tunnel_begin(kernel, 0);
			tunnel_frame(&frame, &shape, protocols[i].number, 50);
			tunnel_send(kernel, ABI_RECEIVE, &frame, 0);
			tunnel_want(ABI_RECEIVE, 6,
				    extensions < 5 ? protocols[i].counted : ABI_PROTOCOL_OTHER, 1,
				    frame.length - shape.l2);
			tunnel_check(kernel);
		}
}

/* Fragments travel as packets of their own, and each has the protocol in its header. */
static void fragments(struct kernel *kernel)
{
	static const uint16_t fields[] = { 0x2000, 0x2001, 0x00b9 };

	tunnel_begin(kernel, 0);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct frame_shape four = { 4, 14, 0, 0 }, six = { 6, 14, 1 + (int)i, 0 };
		struct frame frame;

		tunnel_frame(&frame, &four, IPPROTO_UDP, 1000);
		frame_put16(&frame, frame.network + 6, fields[i]);
		tunnel_send(kernel, ABI_RECEIVE, &frame, 0);
		tunnel_want(ABI_RECEIVE, 4, ABI_PROTOCOL_UDP, 1, frame.length - 14);

		tunnel_frame(&frame, &six, IPPROTO_UDP,
			     1000); /* the first one has 8 bytes, as a fragment header */
		frame.bytes[frame.network + 6] = IPPROTO_FRAGMENT;
		frame.bytes[frame.network + 41] = 0xff; /* reserved: not a length */
		tunnel_send(kernel, ABI_RECEIVE, &frame, 0);
		tunnel_want(ABI_RECEIVE, 6, ABI_PROTOCOL_UDP, 1, frame.length - 14);
		tunnel_check(kernel);
	}
}

/*
 * Another fragment than the first has data where others have the next header: its bytes are no
 * protocol.
 */
static void later_fragments(struct kernel *kernel)
{
	for (int first = 0; first < 2; first++) {
		struct frame_shape shape = { 6, 14, 2, 0 };
		struct frame frame;

		check_about(first ? "the first" : "another one");
		tunnel_begin(kernel, 0);
		tunnel_frame(&frame, &shape, IPPROTO_TCP, 1000);
		frame.bytes[frame.network + 6] =
			IPPROTO_FRAGMENT; /* then destination options, then TCP */
		frame.bytes[frame.network + 40] = IPPROTO_DSTOPTS;
		frame_put16(&frame, frame.network + 42, first ? 1 : 8);
		tunnel_send(kernel, ABI_TRANSMIT, &frame, 0);
		tunnel_want(ABI_TRANSMIT, 6, first ? ABI_PROTOCOL_TCP : ABI_PROTOCOL_OTHER, 1,
			    frame.length - 14);
		tunnel_check(kernel);
	}
}

/*
 * All bytes on the wire count, valid or not. An extension header is read if its first eight bytes
 * are present.
 */
static void cut(struct kernel *kernel)
{
	for (int version = 4; version <= 6; version += 2)
		for (int extensions = 0; extensions < 3; extensions++) {
			struct frame_shape shape = { version, 14, extensions, 0 };
			struct frame frame;
			size_t whole;

			tunnel_frame(&frame, &shape, IPPROTO_TCP, 20);
			whole = frame.length;
			for (size_t length = 14 + (version == 4 ? 20 : 40); length < whole;
			     length++) {
				bool known = version == 4 || length >= frame.transport ||
					     (extensions == 1 && length >= 14 + 48) ||
					     !extensions || (extensions == 2 && length >= 14 + 56);

				check_about("IPv%d, %d extension headers, cut to %zu", version,
					    extensions, length);
				tunnel_begin(kernel, 1);
				frame.length = length;
				tunnel_send(kernel, ABI_TRANSMIT, &frame, 0);
				tunnel_want(ABI_TRANSMIT, version,
					    known ? ABI_PROTOCOL_TCP : ABI_PROTOCOL_OTHER, 1,
					    length - 14);
				tunnel_check(kernel);
			}
		}
}

/* No IP, and tunnel indices out of range. */
static void nothing(struct kernel *kernel)
{
	struct frame_shape shape = { 4, 14, 0, 0 };
	struct frame frame;

	tunnel_begin(kernel, 0);
	tunnel_frame(&frame, &shape, IPPROTO_TCP, 100);
	frame_put16(&frame, 12, 0x0806);
	tunnel_send(kernel, ABI_RECEIVE, &frame, 0);
	tunnel_check(kernel);
	frame_put16(&frame, 12, 0x0800);
	kernel_run(kernel, HOOK_TUNNEL_RECEIVE, &frame, ABI_TUNNELS_MAX, 0);
	kernel_run(kernel, HOOK_TUNNEL_TRANSMIT, &frame, 0xffff, 0);
	tunnel_check(kernel);
}

const struct test_case tunnel_cases[] = {
	{ "plain", plain },
	{ "each protocol", each_protocol },
	{ "extension headers", extension_headers },
	{ "fragments", fragments },
	{ "later fragments", later_fragments },
	{ "cut", cut },
	{ "nothing to count", nothing },
	{ NULL },
};
