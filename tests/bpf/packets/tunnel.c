// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "tunnel.h"

static struct tunnel_counters want;
static uint32_t tunnel_index;

void tunnel_begin(struct kernel *kernel, uint32_t index)
{
	memset(&want, 0, sizeof(want));
	tunnel_index = index;
	kernel_reset(kernel);
}

void tunnel_want(enum abi_direction direction, int version, enum abi_protocol protocol,
		 uint64_t packets, uint64_t bytes)
{
	struct traffic *t = &ABI_TRAFFIC(
		&want, direction, version == 4 ? ABI_FAMILY_IPV4 : ABI_FAMILY_IPV6, protocol);

	t->packets += packets;
	t->bytes += bytes;
	ABI_AT(__u64, want.other, direction) += bytes;
	ABI_AT(__u64, want.last_jiffies, direction) += packets;
}

void tunnel_want_own(enum abi_direction direction, uint64_t bytes)
{
	ABI_AT(__u64, want.other, direction) -= bytes;
}

void tunnel_send(struct kernel *kernel, enum abi_direction direction, const struct frame *frame,
		 uint32_t gso_size)
{
	enum kernel_hook hook =
		direction == ABI_RECEIVE ? HOOK_TUNNEL_RECEIVE : HOOK_TUNNEL_TRANSMIT;

	check(kernel_run(kernel, hook, frame, tunnel_index, gso_size), "%zu bytes did not run: %s",
	      frame->length, strerror(errno));
}

void tunnel_check(struct kernel *kernel)
{
	static const struct tunnel_counters none;

	for (uint32_t i = 0; i < ABI_TUNNELS_MAX; i++) {
		struct tunnel_counters got = kernel_tunnel(kernel, i);
		const struct tunnel_counters *wanted = i == tunnel_index ? &want : &none;

		for (int d = 0; d < ABI_DIRECTION_MAX; d++) {
			for (int f = 0; f < ABI_FAMILY_MAX; f++)
				for (int p = 0; p < ABI_PROTOCOL_MAX; p++) {
					const struct traffic *is = &ABI_TRAFFIC(&got, d, f, p);
					const struct traffic *must = &ABI_TRAFFIC(wanted, d, f, p);

					check(is->packets == must->packets &&
						      is->bytes == must->bytes,
					      "tunnel index %u, direction %d, family %d, protocol "
					      "%d: %llu packets of "
					      "%llu "
					      "bytes, not %llu of %llu",
					      i, d, f, p, (unsigned long long)is->packets,
					      (unsigned long long)is->bytes,
					      (unsigned long long)must->packets,
					      (unsigned long long)must->bytes);
				}
			check(ABI_AT(__u64, got.other, d) == ABI_AT(__u64, wanted->other, d),
			      "tunnel index %u, direction %d: %llu bytes of others, not %llu", i, d,
			      (unsigned long long)ABI_AT(__u64, got.other, d),
			      (unsigned long long)ABI_AT(__u64, wanted->other, d));
			check(!ABI_AT(__u64, got.last_jiffies, d) ==
				      !ABI_AT(__u64, wanted->last_jiffies, d),
			      "last time of direction %d", d);
		}
	}
}

void tunnel_frame(struct frame *frame, const struct frame_shape *shape, uint8_t protocol,
		  size_t payload)
{
	static const uint8_t bytes[FRAME_MAX];

	frame_begin(frame, shape, 1, 2, protocol);
	if (protocol == IPPROTO_TCP)
		frame_tcp(frame, shape->tcp_options, 1080, 40000, 12345, FRAME_TCP_ACK);
	else if (protocol == IPPROTO_UDP)
		frame_udp(frame, 53, 40000);
	frame_payload(frame, bytes, payload);
	frame_end(frame);
}
