/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counts bytes by remote address. Each packet counts in exactly one series: that of its
 * destination, or `other`. Addresses in `other` compete for a series.
 */
#pragma once

#include "count.h"
#include "maps.h"
#include "parse/transport.h"

/*
 * Finds the heaviest addresses of a bucket by a majority vote with ABI_CANDIDATE_WAYS candidates.
 * An address that is not a candidate takes weight from the lightest. Two CPUs that write at once
 * may lose weight or leave a mixed address. No counter depends on that. The collector rejects an
 * address whose hash is not that of its bucket.
 */
static __always_inline void destination_nominate(struct destination_bucket *bucket, __u64 high,
						 __u64 low, __u64 bytes)
{
	struct destination_candidate *least = &bucket->candidates[0];

	for (int i = 0; i < ABI_CANDIDATE_WAYS; i++) {
		struct destination_candidate *c = &bucket->candidates[i];

		if (ABI_HALVES(c->address)[1] == low && ABI_HALVES(c->address)[0] == high) {
			c->weight += bytes;
			return;
		}
		if (c->weight < least->weight)
			least = c;
	}
	if (least->weight > bytes) {
		least->weight -= bytes;
		return;
	}
	ABI_HALVES(least->address)[0] = high;
	ABI_HALVES(least->address)[1] = low;
	least->weight = bytes - least->weight;
}

/* Counts the bytes in the series of the address. Returns 1, or 0 if the address has no series. */
static __always_inline int destination_count(__u32 slot, __u64 high, __u64 low, __u32 direction,
					     __u64 bytes)
{
	__u32 index = slot * destination_buckets +
		      (abi_destination_hash(high, low) & (destination_buckets - 1));
	struct destination_bucket *bucket = bpf_map_lookup_elem(&destinations, &index);

	if (!bucket)
		return 0;
	for (int i = 0; i < ABI_DESTINATION_WAYS; i++) {
		struct destination_count *way = &bucket->ways[i];

		if (!ABI_HALVES(way->address)[1] && !ABI_HALVES(way->address)[0])
			break;
		if (ABI_HALVES(way->address)[1] == low && ABI_HALVES(way->address)[0] == high) {
			COUNT_BY(ABI_AT(__u64, way->bytes, direction & 1), bytes);
			return 1;
		}
	}
	destination_nominate(bucket, high, low, bytes);
	return 0;
}

/*
 * ---- names ----
 *
 * DNS messages over UDP are copied to user space, which reads the names of destinations in them.
 * They are rare compared with the traffic that follows them.
 */

/*
 * Copies a message to the ring buffer `answers`; a full buffer is counted as a loss. `udp`: the
 * header as udp_read returns it. `direction`: enum abi_direction, of the message. Returns 0.
 */
static __always_inline int answer_copy(struct __sk_buff *skb, __u64 udp, __u32 slot,
				       __u32 direction)
{
	__u32 local = direction == ABI_RECEIVE ? UDP_DESTINATION(udp) : UDP_SOURCE(udp);
	__u32 resolver = direction == ABI_RECEIVE ? UDP_SOURCE(udp) : UDP_DESTINATION(udp);
	__u32 offset = UDP_OFFSET(udp) + UDP_HEADER_SIZE, length = skb->len - offset, more;
	struct answer *a;
	__u8 other[16];

	if (resolver != DNS_PORT || skb->len < offset)
		return 0;
	a = bpf_ringbuf_reserve(&answers, sizeof(*a), 0);
	if (!a) {
		count_loss(counters_of(slot), ABI_LOSS_RESERVE);
		return 0;
	}
	if (length > ABI_ANSWER_MAX)
		length = ABI_ANSWER_MAX;
	a->slot = slot;
	a->direction = direction;
	a->port = local;
	a->length = length;
	ip_addresses_load(skb, ABI_STUB_L2(skb->cb[4]), direction == ABI_RECEIVE ? a->peer : other,
			  direction == ABI_RECEIVE ? other : a->peer);
	/*
	 * Verifiers up to Linux 6.1 learn no lower bound from a comparison with 0. So use one less
	 * than the length. The asm keeps clang from undoing this.
	 */
	more = length - 1;
	asm volatile("" : "+r"(more));
	if (more >= ABI_ANSWER_MAX || bpf_skb_load_bytes(skb, offset, a->message, more + 1)) {
		bpf_ringbuf_discard(a, 0);
		return 0;
	}
	bpf_ringbuf_submit(a, 0);
	return 0;
}
