// SPDX-License-Identifier: Apache-2.0
/*
 * Malformed packets through the tunnel's programs: each is counted and passes unchanged (kernel_run
 * checks it).
 */
#include <netinet/in.h>

#include "cases.h"
#include "noise.h"

static void random_packet(struct frame *frame)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6,
					     IPPROTO_GRE };
	struct frame_shape shape = noise_shape();
	uint8_t protocol = protocols[noise_below(sizeof(protocols))];
	uint8_t bytes[1200] = {};

	frame_begin(frame, &shape, 1, 2, protocol);
	if (protocol == IPPROTO_TCP)
		frame_tcp(frame, shape.tcp_options, 1, 2, 3, FRAME_TCP_ACK);
	frame_payload(frame, bytes, 20 + noise_below(noise_below(4) ? 100 : sizeof(bytes) - 20));
	frame_end(frame);
	noise_mutate(frame);
}

/*
 * Without GSO each IP packet is one, with all its bytes. With it, at least that, and at most one
 * packet a byte.
 */
static void fuzz_tunnel(struct kernel *kernel, enum kernel_hook hook, enum abi_direction direction)
{
	unsigned long packets = noise_setting("FUZZ_PACKETS", FUZZ_PACKETS),
		      seed = noise_setting("FUZZ_SEED", 1) + hook;

	noise_seed(seed);
	for (unsigned long done = 0; done < packets && !check_is_failed(); done += FUZZ_BATCH) {
		uint64_t sent = 0, bytes = 0, least = 0, counted = 0, counted_bytes = 0;
		bool gso = done / FUZZ_BATCH & 1;
		struct tunnel_counters c;

		check_about("seed %lu, packets up to %lu", seed - hook, done + FUZZ_BATCH);
		kernel_reset(kernel);
		for (int i = 0; i < FUZZ_BATCH; i++) {
			struct frame frame;
			uint32_t protocol;

			random_packet(&frame);
			protocol = frame.bytes[12] << 8u | frame.bytes[13];
			if (!kernel_run(kernel, hook, &frame, 3, gso ? noise_gso() : 0))
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
				counted += ABI_TRAFFIC(&c, direction, family, p).packets;
				counted_bytes += ABI_TRAFFIC(&c, direction, family, p).bytes;
				check(!ABI_TRAFFIC(&c, !direction, family, p).packets,
				      "the other direction has packets");
			}
		check(gso ? counted >= sent && counted <= sent + least && counted_bytes >= bytes
			  : counted == sent && counted_bytes == bytes,
		      "%llu packets of %llu bytes are %llu of %llu", (unsigned long long)sent,
		      (unsigned long long)bytes, (unsigned long long)counted,
		      (unsigned long long)counted_bytes);
		check(sent > FUZZ_BATCH / 2, "the kernel took only %llu", (unsigned long long)sent);
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

const struct test_case fuzz_tunnel_cases[] = {
	{ "tunnel_receive", receive },
	{ "tunnel_transmit", transmit },
	{ NULL },
};
