// SPDX-License-Identifier: Apache-2.0
/*
 * bpf/parse/ip.h on packets that TEST_RUN cannot make: headers that are not linear, BIG TCP. Both of its readers,
 * direct and by loads, are compared with a plain one written here, on packets that are right, cut, and hostile.
 */
#include "kernel.h"
#include "bpf/parse/ip.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

#define AREA 8192
#define LOW_ADDRESS ((void *)0x20000000) /* skb->data has 32 bits here */

static __u8 *page, *area;
static __u64 random_state = 88172645463325252ULL;

static __u32 random_below(__u32 limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (__u32)(random_state >> 32) % limit;
}

static void area_create(void)
{
	page = mmap(LOW_ADDRESS, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert((unsigned long)page + AREA < 1UL << 32 && page != MAP_FAILED, "no memory below 4 GiB");
}

/* The IP header is aligned, as in the kernel. */
static void area_begin(__u32 l2)
{
	area = page + (l2 + 3) / 4 * 4 - l2;
	packet_bytes = area;
}

static __u32 get16(const __u8 *at)
{
	return (__u32)at[0] << 8 | at[1];
}

static void put16(__u8 *at, __u32 value)
{
	at[0] = (__u8)(value >> 8);
	at[1] = (__u8)value;
}

static void put32(__u8 *at, __u32 value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

/* ---- the plain reader: whether this is a TCP segment as the kernel would take it, and what it says ---- */

static int expected_tcp(__u32 length, __u32 offset, __u32 ip_payload, struct segment *s)
{
	const __u8 *tcp = area + offset;

	if (ip_payload < 20 || offset + ip_payload > length || tcp[12] >> 4 < 5 || (tcp[12] >> 4) * 4u > ip_payload)
		return 0;
	s->source_port = (__u16)get16(tcp);
	s->destination_port = (__u16)get16(tcp + 2);
	s->sequence = get16(tcp + 4) << 16 | get16(tcp + 6);
	s->flags = tcp[13];
	s->payload = offset + (tcp[12] >> 4) * 4u;
	s->payload_length = ip_payload - (tcp[12] >> 4) * 4u;
	return 1;
}

static int expected_ipv4(__u32 length, __u32 l2, int gso, struct segment *s)
{
	const __u8 *ip = area + l2;
	__u32 total, header;

	if (length < l2 + 20)
		return 0;
	header = (ip[0] & 15) * 4u;
	total = get16(ip + 2);
	if (!total && gso)
		total = length - l2;
	if (ip[9] != 6 || get16(ip + 6) & 0x3fff || header < 20 || total < header || l2 + total > length)
		return 0;
	memset(s->source, 0, 10);
	memset(s->source + 10, 0xff, 2);
	memcpy(s->source + 12, ip + 12, 4);
	memset(s->destination, 0, 10);
	memset(s->destination + 10, 0xff, 2);
	memcpy(s->destination + 12, ip + 16, 4);
	return expected_tcp(length, l2 + header, total - header, s);
}

static int expected_ipv6(__u32 length, __u32 l2, int gso, struct segment *s)
{
	const __u8 *ip = area + l2;
	__u32 offset = l2 + 40, left, next;

	if (length < offset)
		return 0;
	next = ip[6];
	left = get16(ip + 4);
	if (!left && gso)
		left = length - offset;
	for (int i = 0; next != 6; i++) {
		__u32 size;

		if (i == IPV6_EXTENSIONS_MAX || (next != 0 && next != 60 && next != 43) || length < offset + 2)
			return 0;
		size = (area[offset + 1] + 1u) * 8;
		if (left < size)
			return 0;
		next = area[offset];
		offset += size;
		left -= size;
	}
	memcpy(s->source, ip + 8, 16);
	memcpy(s->destination, ip + 24, 16);
	return expected_tcp(length, offset, left, s);
}

/* ---- packets ---- */

static void put_tcp(__u32 offset, __u32 words)
{
	put16(area + offset, 1000 + random_below(5));
	put16(area + offset + 2, 1080);
	put32(area + offset + 4, random_below(~0u));
	area[offset + 12] = (__u8)(words << 4);
	area[offset + 13] = TCP_FLAG_ACK;
}

/* A packet that is right, of `length` bytes behind L2 in all. */
static __u32 make_ipv4(__u32 l2, __u32 options, __u32 tcp_options, __u32 payload)
{
	__u32 total = 20 + options * 4 + 20 + tcp_options * 4 + payload;
	__u8 *ip;

	area_begin(l2);
	ip = area + l2;
	for (__u32 i = 0; i < l2 + total; i++)
		area[i] = (__u8)random_below(256);
	ip[0] = (__u8)(0x45 + options);
	put16(ip + 2, total);
	put16(ip + 6, random_below(2) ? 0x4000 : 0);
	ip[9] = IPPROTO_TCP;
	put_tcp(l2 + 20 + options * 4, 5 + tcp_options);
	return l2 + total;
}

static __u32 make_ipv6(__u32 l2, __u32 extensions, __u32 tcp_options, __u32 payload)
{
	static const __u8 KINDS[] = { IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING };
	__u32 offset = l2 + 40;
	__u8 *next;

	area_begin(l2);
	next = area + l2 + 6;
	for (__u32 i = 0; i < AREA / 4; i++)
		area[i] = (__u8)random_below(256);
	for (__u32 i = 0; i < extensions; i++) {
		*next = KINDS[random_below(3)];
		next = area + offset;
		area[offset + 1] = (__u8)random_below(4);
		offset += (area[offset + 1] + 1u) * 8;
	}
	*next = IPPROTO_TCP;
	put_tcp(offset, 5 + tcp_options);
	offset += 20 + tcp_options * 4 + payload;
	put16(area + l2 + 4, offset - l2 - 40);
	return offset;
}

static void mutate(__u32 length, __u32 l2)
{
	static const __u8 PLACES[] = { 0, 2, 3, 4, 5, 6, 7, 9, 20 + 12, 40 + 12, 40, 41 };

	for (__u32 i = random_below(3); i; i--) {
		__u32 at = random_below(4) ? l2 + PLACES[random_below(sizeof(PLACES))] : random_below(length);

		area[at] = (__u8)(random_below(2) ? random_below(256) : area[at] ^ (1u << random_below(8)));
	}
}

static int same(const struct segment *a, const struct segment *b)
{
	return !memcmp(a->source, b->source, 16) && !memcmp(a->destination, b->destination, 16) &&
	       a->source_port == b->source_port && a->destination_port == b->destination_port &&
	       a->sequence == b->sequence && a->payload == b->payload && a->payload_length == b->payload_length &&
	       a->flags == b->flags;
}

/* Returns whether it is a segment. `linear`: how much of it can be read directly. */
static int check(__u32 length, __u32 linear, __u32 l2, int version, int gso)
{
	struct __sk_buff skb = { .len = length,
				 .data = (__u32)(unsigned long)area,
				 .data_end = (__u32)(unsigned long)area + linear,
				 .gso_size = gso ? 1400 : 0,
				 .protocol = bpf_htons(version == 4 ? ETH_P_IP : ETH_P_IPV6) };
	struct segment want = {}, got = {}, loaded = {};
	int tcp = version == 4 ? expected_ipv4(length, l2, gso, &want) : expected_ipv6(length, l2, gso, &want);
	int result = packet_read(&skb, l2, &got), slow = packet_read_loaded(&skb, l2, &loaded);

	cr_assert_eq(result, tcp ? PACKET_TCP : PACKET_OTHER, "IPv%d, %u bytes, %u linear, L2 %u: result %d", version,
		     length, linear, l2, result);
	cr_assert_eq(slow, result, "by loads it is %d, directly %d", slow, result);
	if (tcp) {
		cr_assert(same(&got, &want), "payload %u at %u, not %u at %u", got.payload_length, got.payload,
			  want.payload_length, want.payload);
		cr_assert(same(&loaded, &want), "by loads");
		cr_assert_leq(got.payload + got.payload_length, length, "the payload ends outside of the packet");
	}
	return tcp;
}

Test(packet_read, right_ones_wherever_the_linear_part_ends, .init = area_create)
{
	for (int version = 4; version <= 6; version += 2)
		for (__u32 l2 = 0; l2 <= 14; l2 += 14)
			for (__u32 options = 0; options <= (version == 4 ? 10 : IPV6_EXTENSIONS_MAX); options++)
				for (__u32 tcp_options = 0; tcp_options <= 10; tcp_options += 5) {
					__u32 length = version == 4 ? make_ipv4(l2, options, tcp_options, 33)
								    : make_ipv6(l2, options, tcp_options, 33);

					for (__u32 linear = 0; linear <= length; linear++)
						cr_assert(check(length, linear, l2, version, linear & 1));
				}
}

Test(packet_read, five_extension_headers_are_too_many, .init = area_create)
{
	cr_assert_not(check(make_ipv6(14, IPV6_EXTENSIONS_MAX + 1, 0, 9), 0, 14, 6, 0));
}

Test(packet_read, cut_anywhere, .init = area_create)
{
	for (int version = 4; version <= 6; version += 2) {
		__u32 length = version == 4 ? make_ipv4(14, 3, 3, 20) : make_ipv6(14, 2, 3, 20);

		for (__u32 cut = 14; cut < length; cut++)
			for (__u32 linear = 14; linear <= cut; linear += 7)
				cr_assert_not(check(cut, linear, 14, version, 0), "cut to %u of %u", cut, length);
	}
}

/* A length of 0 in the header means the skb's, but only of a GSO skb: else the kernel drops it, and so do we. */
Test(packet_read, big_tcp, .init = area_create)
{
	for (int version = 4; version <= 6; version += 2)
		for (int gso = 0; gso < 2; gso++) {
			__u32 length = version == 4 ? make_ipv4(14, 1, 3, 4000) : make_ipv6(14, 1, 3, 4000);

			put16(area + 14 + (version == 4 ? 2 : 4), 0);
			cr_assert_eq(check(length, length, 14, version, gso), gso);
			cr_assert_eq(check(length, 20, 14, version, gso), gso);
		}
}

Test(packet_read, hostile, .init = area_create)
{
	int segments = 0, all = 400000;

	for (int i = 0; i < all; i++) {
		__u32 l2 = random_below(2) * 14, payload = random_below(60);
		int version = random_below(2) ? 4 : 6;
		__u32 length = version == 4
				       ? make_ipv4(l2, random_below(4), random_below(4), payload)
				       : make_ipv6(l2, random_below(6) ? 0 : random_below(5), random_below(4), payload);

		mutate(length, l2);
		if (!random_below(4))
			length = l2 + random_below(length - l2);
		segments += check(length, random_below(length + 1), l2, version, random_below(2));
	}
	cr_assert(segments > all / 10 && segments < all * 9 / 10, "%d of %d are segments: a poor mix", segments, all);
}
