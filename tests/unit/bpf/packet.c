// SPDX-License-Identifier: Apache-2.0
/*
 * bpf/parse/ip.h and transport.h on packets that TEST_RUN cannot make: headers that are not linear,
 * BIG TCP. The header walker and the readers of ports and segments are compared with plain ones in
 * this file. The packets are valid, cut, fragmented or hostile.
 */
#include "kernel.h"
#include "bpf/parse/transport.h"

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
	cr_assert((unsigned long)page + AREA < 1UL << 32 && page != MAP_FAILED,
		  "no memory below 4 GiB");
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

/* ---- reference readers: the kernel's interpretation of the packet ---- */

/* Reads extension headers. Returns 0 if they are truncated, or if there are too many. */
static int expected_extensions(__u32 length, __u32 offset, struct ip_packet *ip)
{
	for (int i = 0;; i++) {
		__u32 size, fragment = 0;

		if (ip->protocol != 0 && ip->protocol != 60 && ip->protocol != 43 &&
		    ip->protocol != 44)
			break;
		if (i == IPV6_EXTENSIONS_MAX || length < offset + 8)
			return 0;
		size = ip->protocol == 44 ? 8 : (area[offset + 1] + 1u) * 8;
		if (ip->protocol == 44)
			fragment = get16(area + offset + 2);
		ip->protocol = area[offset];
		if (fragment >> 3)
			return 0;
		ip->more |= fragment & 1;
		ip->length = ip->length < size ? 0 : ip->length - size;
		offset += size;
	}
	ip->transport = offset;
	return 1;
}

static void mapped(__u64 *to, const __u8 *from)
{
	memset(to, 0, 10);
	memset((__u8 *)to + 10, 0xff, 2);
	memcpy((__u8 *)to + 12, from, 4);
}

static void expected_ip(__u32 length, __u32 l2, int version, int gso, struct ip_packet *ip)
{
	const __u8 *header = area + l2;
	__u32 size = version == 4 ? (header[0] & 15) * 4u : 40, stated;

	if (length < l2 + (version == 4 ? 20 : 40))
		return;
	stated = get16(header + (version == 4 ? 2 : 4));
	if (!stated && gso)
		stated = length - l2 - (version == 4 ? 0 : 40);
	if (version == 6) {
		memcpy(ip->source, header + 8, 16);
		memcpy(ip->destination, header + 24, 16);
		ip->protocol = header[6];
		ip->length = stated;
		expected_extensions(length, l2 + 40, ip);
		return;
	}
	mapped(ip->source, header + 12);
	mapped(ip->destination, header + 16);
	ip->protocol = header[9];
	ip->length = stated < size ? 0 : stated - size;
	ip->more = header[6] & 0x20;
	if (size >= 20 && !(get16(header + 6) & 0x1fff))
		ip->transport = l2 + size;
}

static int expected_ports(__u32 length, const struct ip_packet *ip, struct transport *t)
{
	const __u8 *header = area + ip->transport;

	if ((ip->protocol != 6 && ip->protocol != 17) || !ip->transport ||
	    length < ip->transport + (ip->protocol == 6 ? 14 : 8))
		return 0;
	t->protocol = ip->protocol;
	t->offset = ip->transport;
	t->source = (__u16)get16(header);
	t->destination = (__u16)get16(header + 2);
	t->length = (__u16)get16(header + 4);
	t->tcp_flags = header[13];
	return 1;
}

static enum segment_result expected_segment(__u32 length, const struct ip_packet *ip,
					    struct segment *s)
{
	const __u8 *tcp = area + ip->transport;

	if (ip->protocol != 6 || !ip->transport || ip->length < 20 ||
	    ip->transport + ip->length > length || tcp[12] >> 4 < 5 ||
	    (tcp[12] >> 4) * 4u > ip->length)
		return SEGMENT_NONE;
	memcpy(s->source, ip->source, 16);
	memcpy(s->destination, ip->destination, 16);
	s->source_port = (__u16)get16(tcp);
	s->destination_port = (__u16)get16(tcp + 2);
	s->sequence = get16(tcp + 4) << 16 | get16(tcp + 6);
	s->flags = tcp[13];
	s->payload = ip->transport + (tcp[12] >> 4) * 4u;
	s->payload_length = ip->length - (tcp[12] >> 4) * 4u;
	return ip->more ? SEGMENT_FRAGMENT : SEGMENT_WHOLE;
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

/* A valid packet with `length` bytes after L2. */
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
	static const __u8 PLACES[] = { 0, 2, 3, 4, 5, 6, 7, 9, 20 + 12, 40 + 12, 40, 41, 42, 43 };

	for (__u32 i = random_below(3); i; i--) {
		__u32 at = random_below(4) ? l2 + PLACES[random_below(sizeof(PLACES))]
					   : random_below(length);

		area[at] = (__u8)(random_below(2) ? random_below(256)
						  : area[at] ^ (1u << random_below(8)));
		if (!random_below(8)) /* a fragment header, or UDP */
			area[l2 + (random_below(2) ? 6 : 9)] =
				random_below(2) ? IPPROTO_FRAGMENT : IPPROTO_UDP;
	}
}

static int same(const struct segment *a, const struct segment *b)
{
	return !memcmp(a->source, b->source, 16) && !memcmp(a->destination, b->destination, 16) &&
	       a->source_port == b->source_port && a->destination_port == b->destination_port &&
	       a->sequence == b->sequence && a->payload == b->payload &&
	       a->payload_length == b->payload_length && a->flags == b->flags;
}

static void check_ip(struct __sk_buff *skb, __u32 l2, int version, const struct ip_packet *want)
{
	struct ip_packet got = {};

	cr_assert_eq(ip_read(skb, l2, &got), version == 4 ? IP_V4 : IP_V6);
	cr_assert_eq(got.protocol, want->protocol, "IPv%d: protocol %u, not %u", version,
		     got.protocol, want->protocol);
	cr_assert_eq(got.transport, want->transport, "IPv%d: transport at %u, not %u", version,
		     got.transport, want->transport);
	cr_assert_eq(!got.more, !want->more, "IPv%d: more %x", version, got.more);
	cr_assert_eq(got.length, want->length, "IPv%d: length %u, not %u", version, got.length,
		     want->length);
	cr_assert(!memcmp(got.source, want->source, 16) &&
			  !memcmp(got.destination, want->destination, 16),
		  "the addresses");
}

static void check_ports(struct __sk_buff *skb, __u32 l2, const struct ip_packet *ip)
{
	struct transport want = {}, got = {};
	int is = expected_ports(skb->len, ip, &want);
	__u64 udp = udp_read(skb, l2);

	cr_assert_eq(transport_read(skb, l2, &got), is, "ports, protocol %u", ip->protocol);
	cr_assert_eq(!udp, !is || want.protocol != 17, "UDP, protocol %u", ip->protocol);
	if (!is)
		return;
	cr_assert(got.protocol == want.protocol && got.offset == want.offset &&
		  got.source == want.source && got.destination == want.destination);
	if (got.protocol == 6)
		cr_assert_eq(got.tcp_flags, want.tcp_flags);
	else
		cr_assert(UDP_SOURCE(udp) == want.source &&
			  UDP_DESTINATION(udp) == want.destination &&
			  UDP_LENGTH(udp) == want.length && UDP_OFFSET(udp) == want.offset);
}

/* Returns what it is as a segment. `linear`: how much of it can be read directly. */
static enum segment_result check(__u32 length, __u32 linear, __u32 l2, int version, int gso)
{
	struct ip_packet ip = {};
	struct segment want = {};
	enum segment_result result;

	expected_ip(length, l2, version, gso, &ip);
	result = expected_segment(length, &ip, &want);
	for (int loaded = 0; loaded < 2; loaded++) { /* the second time only with loads */
		struct __sk_buff skb = { .len = length,
					 .data = (__u32)(unsigned long)area,
					 .data_end =
						 (__u32)(unsigned long)area + (loaded ? 0 : linear),
					 .gso_size = gso ? 1400 : 0,
					 .protocol =
						 bpf_htons(version == 4 ? ETH_P_IP : ETH_P_IPV6) };
		struct segment got = {};
		enum segment_result is = segment_read(&skb, l2, &got);

		check_ip(&skb, l2, version, &ip);
		check_ports(&skb, l2, &ip);
		cr_assert_eq(is, result, "IPv%d, %u bytes, %u linear, L2 %u: result %d, not %d",
			     version, length, loaded ? 0 : linear, l2, is, result);
		if (result == SEGMENT_NONE)
			continue;
		cr_assert(same(&got, &want), "payload %u at %u, not %u at %u", got.payload_length,
			  got.payload, want.payload_length, want.payload);
		cr_assert_leq(got.payload + got.payload_length, length,
			      "the payload ends outside of the packet");
	}
	return result;
}

Test(walker, right_ones_wherever_the_linear_part_ends, .init = area_create)
{
	for (int version = 4; version <= 6; version += 2)
		for (__u32 l2 = 0; l2 <= 14; l2 += 14)
			for (__u32 options = 0;
			     options <= (version == 4 ? 10 : IPV6_EXTENSIONS_MAX); options++)
				for (__u32 tcp_options = 0; tcp_options <= 10; tcp_options += 5) {
					__u32 length =
						version == 4
							? make_ipv4(l2, options, tcp_options, 33)
							: make_ipv6(l2, options, tcp_options, 33);

					for (__u32 linear = 0; linear <= length; linear++)
						cr_assert_eq(check(length, linear, l2, version,
								   linear & 1),
							     SEGMENT_WHOLE);
				}
}

Test(walker, five_extension_headers_are_too_many, .init = area_create)
{
	cr_assert_not(check(make_ipv6(14, IPV6_EXTENSIONS_MAX + 1, 0, 9), 0, 14, 6, 0));
}

Test(walker, cut_anywhere, .init = area_create)
{
	for (int version = 4; version <= 6; version += 2) {
		__u32 length = version == 4 ? make_ipv4(14, 3, 3, 20) : make_ipv6(14, 2, 3, 20);

		for (__u32 cut = 14; cut < length; cut++)
			for (__u32 linear = 14; linear <= cut; linear += 7)
				cr_assert_not(check(cut, linear, 14, version, 0), "cut to %u of %u",
					      cut, length);
	}
}

/*
 * A stated length of 0 means the length of a GSO skb. For any other packet it is invalid, for the
 * kernel and for the reader.
 */
Test(walker, big_tcp, .init = area_create)
{
	for (int version = 4; version <= 6; version += 2)
		for (int gso = 0; gso < 2; gso++) {
			__u32 length = version == 4 ? make_ipv4(14, 1, 3, 4000)
						    : make_ipv6(14, 1, 3, 4000);

			put16(area + 14 + (version == 4 ? 2 : 4), 0);
			cr_assert_eq(check(length, length, 14, version, gso),
				     gso ? SEGMENT_WHOLE : SEGMENT_NONE);
			cr_assert_eq(check(length, 20, 14, version, gso),
				     gso ? SEGMENT_WHOLE : SEGMENT_NONE);
		}
}

/* Cases where separate readers could differ: all must follow the rules of ip_read. */
Test(walker, ipv4_fragments, .init = area_create)
{
	static const struct {
		__u32 field;
		enum segment_result result;
	} cases[] = { { 0, SEGMENT_WHOLE },	    { 0x4000, SEGMENT_WHOLE },
		      { 0x8000, SEGMENT_WHOLE },    { 0x2000, SEGMENT_FRAGMENT },
		      { 0x6000, SEGMENT_FRAGMENT }, { 0x2001, SEGMENT_NONE },
		      { 1, SEGMENT_NONE },	    { 0x1fff, SEGMENT_NONE } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (__u32 options = 0; options <= 10; options += 5) {
			__u32 length = make_ipv4(14, options, 0, 64);

			put16(area + 14 + 6, cases[i].field);
			cr_assert_eq(check(length, length, 14, 4, 0), cases[i].result, "field %x",
				     cases[i].field);
		}
}

/*
 * A fragment header before TCP or before another extension header, which only a first fragment has.
 */
Test(walker, ipv6_fragments, .init = area_create)
{
	static const struct {
		__u32 field;
		enum segment_result result;
	} cases[] = { { 0, SEGMENT_WHOLE }, { 6, SEGMENT_WHOLE }, { 1, SEGMENT_FRAGMENT },
		      { 8, SEGMENT_NONE },  { 9, SEGMENT_NONE },  { 0xfff8, SEGMENT_NONE } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (__u32 extensions = 1; extensions <= 3; extensions++) {
			__u32 length = make_ipv6(14, extensions, 0, 64),
			      size = (area[14 + 41] + 1u) * 8;

			if (size != 8) { /* a fragment header has 8 bytes */
				i--;
				break;
			}
			area[14 + 6] = IPPROTO_FRAGMENT;
			area[14 + 41] = 0xff; /* reserved: no length */
			put16(area + 14 + 42, cases[i].field);
			cr_assert_eq(check(length, length, 14, 6, 0), cases[i].result,
				     "field %x, %u headers", cases[i].field, extensions);
		}
}

/* A later fragment has the protocol that its header names, and data instead of a header. */
Test(walker, a_later_fragments_data_is_no_header, .init = area_create)
{
	struct __sk_buff skb = { .len = 14 + 40 + 8 + 64, .protocol = bpf_htons(ETH_P_IPV6) };
	struct ip_packet ip = {};

	area_begin(14);
	memset(area, 0, 200);
	area[14 + 6] = IPPROTO_FRAGMENT;
	area[14 + 40] = IPPROTO_DSTOPTS;
	put16(area + 14 + 42, 8);
	area[14 + 48] = IPPROTO_TCP;
	skb.data = skb.data_end = (__u32)(unsigned long)area;
	cr_assert_eq(ip_read(&skb, 14, &ip), IP_V6);
	cr_assert_eq(ip.protocol, IPPROTO_DSTOPTS);
	cr_assert_eq(ip.transport, 0);
}

/* An IPv4 header is never that short; there are no ports at that offset. */
Test(walker, short_ipv4_header_length, .init = area_create)
{
	for (__u32 words = 0; words < 5; words++) {
		__u32 length = make_ipv4(14, 0, 0, 64);

		area[14] = (__u8)(0x40 | words);
		cr_assert_eq(check(length, length, 14, 4, 0), SEGMENT_NONE);
	}
}

Test(walker, no_ip, .init = area_create)
{
	struct __sk_buff skb = { .protocol = bpf_htons(0x0806) };
	struct ip_packet ip = {};
	struct segment s = {};

	skb.len = make_ipv4(14, 0, 0, 64);
	skb.data = (__u32)(unsigned long)area;
	skb.data_end = skb.data + skb.len;
	cr_assert_eq(ip_read(&skb, 14, &ip), IP_NONE);
	cr_assert_eq(segment_read(&skb, 14, &s), SEGMENT_NONE);
	cr_assert_eq(udp_read(&skb, 14), 0);
}

Test(walker, hostile, .init = area_create)
{
	int segments = 0, all = 400000;

	for (int i = 0; i < all; i++) {
		__u32 l2 = random_below(2) * 14, payload = random_below(60);
		int version = random_below(2) ? 4 : 6;
		__u32 length = version == 4
				       ? make_ipv4(l2, random_below(4), random_below(4), payload)
				       : make_ipv6(l2, random_below(6) ? 0 : random_below(5),
						   random_below(4), payload);

		mutate(length, l2);
		if (!random_below(4))
			length = l2 + random_below(length - l2);
		segments += check(length, random_below(length + 1), l2, version, random_below(2)) !=
			    SEGMENT_NONE;
	}
	cr_assert(segments > all / 10 && segments < all * 9 / 10,
		  "%d of %d are segments: a poor mix", segments, all);
}
