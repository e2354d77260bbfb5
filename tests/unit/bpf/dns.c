// SPDX-License-Identifier: Apache-2.0
/* bpf/parse/dns.h: messages in datagrams and in streams. */
#include "kernel.h"
#include "bpf/parse/dns.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const struct {
	__u32 number;
	enum abi_dns_type type;
} TYPES[] = {
	{ 1, ABI_DNS_A },    { 28, ABI_DNS_AAAA }, { 5, ABI_DNS_CNAME },  { 15, ABI_DNS_MX },
	{ 16, ABI_DNS_TXT }, { 33, ABI_DNS_SRV },  { 12, ABI_DNS_PTR },	  { 2, ABI_DNS_NS },
	{ 6, ABI_DNS_SOA },  { 64, ABI_DNS_SVCB }, { 65, ABI_DNS_HTTPS }, { 255, ABI_DNS_ANY },
};
#define TYPES_COUNT (sizeof(TYPES) / sizeof(TYPES[0]))

static __u8 message[2048];
static __u32 length;

static void put(const void *bytes, size_t size)
{
	memcpy(message + length, bytes, size);
	length += (__u32)size;
}
#define PUT(text) put(text, sizeof(text) - 1)

static void put16(__u32 value)
{
	const __u8 bytes[] = { (__u8)(value >> 8), (__u8)value };

	put(bytes, 2);
}

/* A header with this id, flags and number of questions. */
static void begin(__u32 id, __u32 flags, __u32 questions)
{
	length = 0;
	put16(id);
	put16(flags);
	put16(questions);
	PUT("\0\0\0\0\0\0");
}

static void ask(__u32 number)
{
	begin(0x1234, 0x0100, 1);
	PUT("\7example\3org\0");
	put16(number);
	put16(1);
}

static __u64 read_datagram(__u32 size, __u32 direction)
{
	struct __sk_buff skb = { .len = size };

	packet_bytes = message;
	return dns_read(&skb, 0, size, direction);
}

/*
 * The same message after its length, in segments of `piece` bytes: returns its single event, or
 * none.
 */
static __u64 read_stream(__u32 size, __u32 direction, __u32 piece)
{
	static __u8 stream[sizeof(message) + 2];
	__u64 word = 0, found = 0;

	stream[0] = (__u8)(size >> 8);
	stream[1] = (__u8)size;
	memcpy(stream + 2, message, size);
	packet_bytes = stream;
	for (__u32 at = 0, end = 0; at < size + 2;) {
		struct __sk_buff skb = { .len = size + 2 };
		__u64 step;

		if (at == end)
			end = at + piece < size + 2 ? at + piece : size + 2;
		step = dns_stream_read(&skb, at, end - at, word, direction);
		cr_assert(DNS_READ_CONSUMED(step) && DNS_READ_CONSUMED(step) <= end - at);
		at += DNS_READ_CONSUMED(step);
		word = DNS_STEP_WORD(step);
		if (!DNS_STEP_EVENT(step))
			continue;
		cr_assert_eq(found, 0, "two events of one message");
		found = DNS_STEP_EVENT(step) == DNS_EVENT_SHORT
				? DNS_MESSAGE(DNS_EVENT_SHORT, 0, 0)
				: DNS_MESSAGE(DNS_EVENT_MESSAGE, DNS_STEP_VALUE(step),
					      DNS_WORD_ID(step));
	}
	cr_expect_eq(word & 0xffffffff, 0, "a message may begin");
	return found;
}

static void expect(__u64 wanted, __u32 direction, const char *what)
{
	cr_expect_eq(read_datagram(length, direction), wanted, "%s", what);
	for (__u32 piece = 1; piece <= length + 2; piece++)
		cr_expect_eq(read_stream(length, direction, piece), wanted, "%s, in segments of %u",
			     what, piece);
}

Test(dns, every_type)
{
	for (__u32 number = 0; number < 65536; number++) {
		enum abi_dns_type type = ABI_DNS_OTHER;

		for (size_t i = 0; i < TYPES_COUNT; i++)
			if (TYPES[i].number == number)
				type = TYPES[i].type;
		ask(number);
		cr_expect_eq(read_datagram(length, DNS_QUERIES),
			     DNS_MESSAGE(DNS_EVENT_MESSAGE, type, 0x1234));
		if (number < 600)
			expect(DNS_MESSAGE(DNS_EVENT_MESSAGE, type, 0x1234), DNS_QUERIES, "query");
	}
}

Test(dns, every_rcode_and_flag)
{
	static const __u8 WANTED[16] = {
		[0] = ABI_DNS_NOERROR,		 [1] = ABI_DNS_RCODE_OTHER, [2] = ABI_DNS_SERVFAIL,
		[3] = ABI_DNS_NXDOMAIN,		 [4] = ABI_DNS_RCODE_OTHER, [5] = ABI_DNS_REFUSED,
		[6 ... 15] = ABI_DNS_RCODE_OTHER
	};

	for (__u32 flags = 0; flags < 65536; flags++) {
		int answer = flags >> 15, opcode = flags >> 11 & 15;

		begin(flags ^ 0x5aa5, flags, 1);
		PUT("\0\0\x1c\0\1");
		cr_expect_eq(
			read_datagram(length, DNS_ANSWERS),
			answer ? DNS_MESSAGE(DNS_EVENT_MESSAGE, WANTED[flags & 15], flags ^ 0x5aa5)
			       : 0);
		cr_expect_eq(read_datagram(length, DNS_QUERIES),
			     answer ? 0
				    : DNS_MESSAGE(DNS_EVENT_MESSAGE,
						  opcode ? ABI_DNS_OTHER : ABI_DNS_AAAA,
						  flags ^ 0x5aa5));
		cr_expect_eq(read_stream(length, DNS_ANSWERS, 3),
			     read_datagram(length, DNS_ANSWERS));
		cr_expect_eq(read_stream(length, DNS_QUERIES, 3),
			     read_datagram(length, DNS_QUERIES));
	}
}

Test(dns, names)
{
	static const struct {
		const char *what, *name;
		size_t size;
		int readable;
	} NAMES[] = {
		{ "root", "\0", 1, 1 },
		{ "a pointer", "\xc0\x0c", 2, 1 },
		{ "a pointer behind a label", "\3www\xff\xff", 6, 1 },
		{ "a reserved label",
		  "\x40"
		  "ab\0",
		  4, 0 },
		{ "another", "\3www\x80\0", 6, 0 },
		{ "bytes of any kind", "\3\0\xff\xc0\0", 5, 1 },
	};

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		begin(7, 0, 1);
		put(NAMES[i].name, NAMES[i].size);
		PUT("\0\x1c\0\1");
		expect(DNS_MESSAGE(DNS_EVENT_MESSAGE,
				   NAMES[i].readable ? ABI_DNS_AAAA : ABI_DNS_OTHER, 7),
		       DNS_QUERIES, NAMES[i].what);
	}
}

/* A name of 255 bytes is the longest; of labels of one byte each, 127 of them. */
Test(dns, long_names)
{
	for (__u32 labels = 1; labels < 140; labels++) {
		begin(7, 0, 1);
		for (__u32 i = 0; i < labels; i++)
			PUT("\1x");
		PUT("\0\0\x1c\0\1");
		cr_expect_eq(read_datagram(length, DNS_QUERIES),
			     DNS_MESSAGE(DNS_EVENT_MESSAGE,
					 labels <= 127 ? ABI_DNS_AAAA : ABI_DNS_OTHER, 7),
			     "%u labels", labels);
		cr_expect_eq(read_stream(length, DNS_QUERIES, 50),
			     DNS_MESSAGE(DNS_EVENT_MESSAGE, ABI_DNS_AAAA, 7));
	}
}

Test(dns, cut_anywhere)
{
	__u32 whole;

	ask(28);
	whole = length;
	for (__u32 size = 0; size <= whole; size++) {
		length = size;
		expect(size < 12      ? DNS_MESSAGE(DNS_EVENT_SHORT, 0, 0)
		       : size < whole ? DNS_MESSAGE(DNS_EVENT_MESSAGE, ABI_DNS_OTHER, 0x1234)
				      : DNS_MESSAGE(DNS_EVENT_MESSAGE, ABI_DNS_AAAA, 0x1234),
		       DNS_QUERIES, "cut");
	}
}

Test(dns, what_follows_the_question_is_nothing)
{
	ask(1);
	for (int i = 0; i < 100; i++)
		PUT("\xff\xff\xff\xff\xff");
	expect(DNS_MESSAGE(DNS_EVENT_MESSAGE, ABI_DNS_A, 0x1234), DNS_QUERIES,
	       "with 500 bytes more");
	begin(5, 0x0100, 0);
	PUT("\7example\3org\0\0\1\0\1");
	expect(DNS_MESSAGE(DNS_EVENT_MESSAGE, ABI_DNS_OTHER, 5), DNS_QUERIES, "no question");
	begin(5, 0x0100, 256);
	PUT("\0\0\1\0\1");
	expect(DNS_MESSAGE(DNS_EVENT_MESSAGE, ABI_DNS_A, 5), DNS_QUERIES, "256 questions");
}
