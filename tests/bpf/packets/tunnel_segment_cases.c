// SPDX-License-Identifier: Apache-2.0
/*
 * GSO: one skb becomes many packets. The case builds its segments one by one and adds their bytes.
 */
#include <netinet/in.h>

#include "tunnel.h"

static void segment(struct kernel *kernel, const struct frame_shape *shape, uint8_t protocol,
		    size_t payload, size_t gso_size)
{
	enum abi_protocol counted = protocol == IPPROTO_TCP ? ABI_PROTOCOL_TCP : ABI_PROTOCOL_UDP;
	uint64_t packets = 0, bytes = 0;
	struct frame frame, one;

	tunnel_frame(&frame, shape, protocol, payload);
	if (frame.length < 14 + 40) /* the kernel's test run takes 14 bytes for Ethernet's, and
				       wants a header behind */
		return;
	for (size_t left = payload; left;) {
		size_t part = left < gso_size ? left : gso_size;

		tunnel_frame(&one, shape, protocol, part);
		bytes += one.length - shape->l2;
		packets++;
		left -= part;
	}
	check_about("IPv%d, L2 %u, %d options, %d TCP options, protocol %d, %zu bytes in segments "
		    "of %zu",
		    shape->version, shape->l2, shape->options, shape->tcp_options, protocol,
		    payload, gso_size);
	for (int direction = 0; direction < ABI_DIRECTION_MAX; direction++) {
		tunnel_begin(kernel, 2);
		tunnel_send(kernel, (enum abi_direction)direction, &frame, (uint32_t)gso_size);
		tunnel_want((enum abi_direction)direction, shape->version, counted, packets, bytes);
		tunnel_check(kernel);
	}
}

static void sizes(struct kernel *kernel)
{
	static const size_t segment_sizes[] = { 1, 7, 536, 1380, 2000, 65535 };

	for (int version = 4; version <= 6; version += 2)
		for (size_t i = 0; i < sizeof(segment_sizes) / sizeof(segment_sizes[0]); i++)
			for (int protocol = IPPROTO_TCP; protocol <= IPPROTO_UDP;
			     protocol += IPPROTO_UDP - IPPROTO_TCP) {
				struct frame_shape shape = { version, 14 * (i & 1), 0, 3 };

				for (int n = 1; n < 6; n++)
					for (int off = -1; off <= 1; off++) {
						size_t payload =
							segment_sizes[i] * (size_t)n + (size_t)off;

						if (payload && payload < 2800)
							segment(kernel, &shape, (uint8_t)protocol,
								payload, segment_sizes[i]);
					}
				segment(kernel, &shape, (uint8_t)protocol, 2800, segment_sizes[i]);
			}
}

static void headers(struct kernel *kernel)
{
	for (int version = 4; version <= 6; version += 2)
		for (int options = 0; options <= 4; options++)
			for (int words = 0; words <= 10; words++) {
				struct frame_shape shape = { version, 14 * (words & 1u), options,
							     words };

				segment(kernel, &shape, IPPROTO_TCP, 2500, 700);
				segment(kernel, &shape, IPPROTO_UDP, 2500, 700);
			}
}

/* Only headers, or less: one packet of its length. */
static void no_payload(struct kernel *kernel)
{
	for (int version = 4; version <= 6; version += 2)
		for (size_t length = 14 + (version == 4 ? 20 : 40);
		     length <= 14 + (version == 4 ? 40 : 60); length++) {
			struct frame_shape shape = { version, 14, 0, 0 };
			struct frame frame;

			check_about("IPv%d, %zu bytes", version, length);
			tunnel_frame(&frame, &shape, IPPROTO_TCP, 0);
			frame.length = length;
			tunnel_begin(kernel, 0);
			tunnel_send(kernel, ABI_RECEIVE, &frame, 1380);
			tunnel_want(ABI_RECEIVE, version, ABI_PROTOCOL_TCP, 1, length - 14);
			tunnel_check(kernel);
		}
}

const struct test_case tunnel_segment_cases[] = {
	{ "segments/sizes", sizes },
	{ "segments/headers", headers },
	{ "segments/no payload", no_payload },
	{ NULL },
};
