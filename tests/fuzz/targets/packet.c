// SPDX-License-Identifier: Apache-2.0
/*
 * bpf/parse/ip.h and transport.h. The input: flags (1 byte: IPv6, Ethernet header, GSO), the length
 * of the linear part (2 bytes), and the packet. Direct access and loads must agree. The payload
 * found must lie in the packet.
 */
#include "kernel.h"

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#include "bpf/parse/transport.h"

#define AREA 65536
#define LOW_ADDRESS ((void *)0x20000000) /* skb->data has 32 bits here */

enum { HOW_IPV6 = 1, HOW_ETHERNET = 2, HOW_GSO = 4, HOW_OTHER = 8 };

static uint8_t *area;

static int same(const struct segment *a, const struct segment *b)
{
	return !memcmp(a->source, b->source, 16) && !memcmp(a->destination, b->destination, 16) &&
	       a->source_port == b->source_port && a->destination_port == b->destination_port &&
	       a->sequence == b->sequence && a->payload == b->payload &&
	       a->payload_length == b->payload_length && a->flags == b->flags;
}

/* Headers and payload that the parser finds lie in the packet. */
static void check_bounds(const struct __sk_buff *skb, uint32_t l2, const struct ip_packet *ip,
			 const struct segment *s)
{
	CHECK(ip->transport <= IP_TRANSPORT_MAX, "transport at %u", ip->transport);
	CHECK(!ip->transport || ip->transport >= l2 + 20, "transport at %u", ip->transport);
	if (s)
		CHECK(s->payload >= l2 + 40 && s->payload <= skb->len &&
			      s->payload_length <= skb->len - s->payload,
		      "payload %u at %u of %u bytes", s->payload_length, s->payload, skb->len);
}

static void check(struct __sk_buff *skb, uint32_t l2)
{
	struct __sk_buff nothing_linear = *skb;
	struct ip_packet direct = {}, loaded = {};
	struct segment s, t;
	int version = ip_read(skb, l2, &direct), result;

	nothing_linear.data_end = skb->data;
	CHECK(version == ip_read(&nothing_linear, l2, &loaded), "IP by loads");
	CHECK(!memcmp(&direct, &loaded, sizeof(direct)), "protocol %u at %u, by loads %u at %u",
	      direct.protocol, direct.transport, loaded.protocol, loaded.transport);
	CHECK(udp_read(skb, l2) == udp_read(&nothing_linear, l2), "UDP by loads");
	memset(&s, 0xa5, sizeof(s));
	memset(&t, 0x5a, sizeof(t));
	result = segment_read(skb, l2, &s);
	CHECK(result == (int)segment_read(&nothing_linear, l2, &t), "by loads it is not %d",
	      result);
	check_bounds(skb, l2, &direct, result == SEGMENT_NONE ? NULL : &s);
	if (result != SEGMENT_NONE)
		CHECK(same(&s, &t), "payload %u at %u, by loads %u at %u", s.payload_length,
		      s.payload, t.payload_length, t.payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t l2, linear, length;
	struct __sk_buff skb;
	uint8_t *place, *whole;

	if (size < 3 || size - 3 > AREA / 2)
		return 0;
	if (!area) {
		area = mmap(LOW_ADDRESS, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
		CHECK(area != MAP_FAILED && (uintptr_t)area + AREA < 1ULL << 32,
		      "no memory below 4 GiB");
	}
	l2 = data[0] & HOW_ETHERNET ? 14 : 0;
	length = (uint32_t)size - 3;
	linear = (uint32_t)(data[1] << 8 | data[2]);
	linear = linear < length ? linear : length;
	whole = fuzz_copy(data + 3, length);
	/* The IP header is aligned, as in the kernel; what is not linear may not be touched. */
	place = area + 16 - l2;
	memcpy(place, whole, linear);
	ASAN_POISON_MEMORY_REGION(place + linear, (size_t)(area + AREA - place) - linear);
	packet_bytes = whole;
	skb = (struct __sk_buff){ .len = length,
				  .data = (uint32_t)(uintptr_t)place,
				  .data_end = (uint32_t)(uintptr_t)place + linear,
				  .gso_size = data[0] & HOW_GSO ? 1400 : 0,
				  .protocol = data[0] & HOW_OTHER  ? bpf_htons(0x0806)
					      : data[0] & HOW_IPV6 ? bpf_htons(ETH_P_IPV6)
								   : bpf_htons(ETH_P_IP) };
	check(&skb, l2);
	ASAN_UNPOISON_MEMORY_REGION(area, AREA);
	free(whole);
	return 0;
}
