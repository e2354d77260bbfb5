// SPDX-License-Identifier: Apache-2.0
/*
 * bpf/parse/ip.h: the input is how it comes (1 byte: IPv6, Ethernet before it, GSO), how much of it is linear (2 bytes),
 * and the packet. Both readers must agree, and what they call payload must be in the packet.
 */
#include "kernel.h"

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#include "bpf/parse/ip.h"

#define AREA 65536
#define LOW_ADDRESS ((void *)0x20000000) /* skb->data has 32 bits here */

enum { HOW_IPV6 = 1, HOW_ETHERNET = 2, HOW_GSO = 4, HOW_OTHER = 8 };

static uint8_t *area;

static int same(const struct segment *a, const struct segment *b)
{
	return !memcmp(a->source, b->source, 16) && !memcmp(a->destination, b->destination, 16) &&
	       a->source_port == b->source_port && a->destination_port == b->destination_port &&
	       a->sequence == b->sequence && a->payload == b->payload && a->payload_length == b->payload_length &&
	       a->flags == b->flags;
}

static void check(struct __sk_buff *skb, uint32_t l2)
{
	struct segment direct, loaded;
	int result, slow;

	memset(&direct, 0xa5, sizeof(direct));
	memset(&loaded, 0x5a, sizeof(loaded));
	result = packet_read(skb, l2, &direct);
	slow = packet_read_loaded(skb, l2, &loaded);
	CHECK(result == PACKET_TCP || result == PACKET_OTHER, "%d", result);
	CHECK(result == slow, "by loads it is %d, directly %d", slow, result);
	if (result != PACKET_TCP)
		return;
	CHECK(same(&direct, &loaded), "payload %u at %u, by loads %u at %u", direct.payload_length, direct.payload,
	      loaded.payload_length, loaded.payload);
	CHECK(direct.payload >= l2 + 40 && direct.payload <= skb->len &&
		      direct.payload_length <= skb->len - direct.payload,
	      "payload %u at %u of %u bytes", direct.payload_length, direct.payload, skb->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t l2, linear, length;
	struct __sk_buff skb;
	uint8_t *place, *whole;

	if (size < 3 || size - 3 > AREA / 2)
		return 0;
	if (!area) {
		area = mmap(LOW_ADDRESS, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(area != MAP_FAILED && (uintptr_t)area + AREA < 1ULL << 32, "no memory below 4 GiB");
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
