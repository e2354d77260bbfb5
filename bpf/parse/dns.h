/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The grammar of a DNS message, as far as it is counted (RFC 1035, section 4.1): header, name and
 * type of the first question. A datagram is read in one call. A TCP stream, which may be split
 * anywhere, is read byte by byte. All functions take scalars only; socks_reader.h says why.
 */
#pragma once

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include <wgsocks/abi.h>

#define DNS_HEADER_SIZE 12
#define DNS_NAME_MAX 255 /* with its length bytes: RFC 1035, section 2.3.4 */
#define DNS_LABELS_MAX 128
#define DNS_POINTER 0xc0 /* in a length byte: a pointer to the rest of the name */

#define DNS_FLAG_ANSWER 0x80 /* in the third byte */
#define DNS_FLAGS_OPCODE 0x78
#define DNS_RCODE 0x0f /* in the fourth byte */

/* Result of reading a message: an event, the message id, and a type or rcode as `value`. */
enum dns_event {
	DNS_EVENT_NONE,
	DNS_EVENT_MESSAGE, /* `value`: enum abi_dns_type of a query, abi_dns_rcode of an answer */
	DNS_EVENT_SHORT,   /* no room for a header */
};
#define DNS_MESSAGE(event, value, id) ((__u64)(event) | (__u64)(value) << 8 | (__u64)(id) << 16)
#define DNS_MESSAGE_EVENT(m) ((__u32)(m)&0xff)
#define DNS_MESSAGE_VALUE(m) ((__u32)((m) >> 8) & 0xff)
#define DNS_MESSAGE_ID(m) ((__u32)((m) >> 16) & 0xffff)

/* Returns the enum abi_dns_type of a QTYPE. */
static inline __u32 dns_type_of(__u32 number)
{
	switch (number) {
	case 1: return ABI_DNS_A;
	case 2: return ABI_DNS_NS;
	case 5: return ABI_DNS_CNAME;
	case 6: return ABI_DNS_SOA;
	case 12: return ABI_DNS_PTR;
	case 15: return ABI_DNS_MX;
	case 16: return ABI_DNS_TXT;
	case 28: return ABI_DNS_AAAA;
	case 33: return ABI_DNS_SRV;
	case 64: return ABI_DNS_SVCB;
	case 65: return ABI_DNS_HTTPS;
	case 255: return ABI_DNS_ANY;
	}
	return ABI_DNS_OTHER;
}

/* Returns the enum abi_dns_rcode of the fourth header byte. */
static inline __u32 dns_rcode_of(__u32 flags)
{
	switch (flags & DNS_RCODE) {
	case 0: return ABI_DNS_NOERROR;
	case 2: return ABI_DNS_SERVFAIL;
	case 3: return ABI_DNS_NXDOMAIN;
	case 5: return ABI_DNS_REFUSED;
	}
	return ABI_DNS_RCODE_OTHER;
}

/* ---- a datagram ---- */

/*
 * Two nested loops read the labels. The verifier checks the inner loop once, since it is in a
 * global function: 8 × 16 labels cost as much as 24.
 */
#define DNS_LABELS_PER_CALL 16

enum dns_name { DNS_NAME_MORE, DNS_NAME_END, DNS_NAME_BAD };
#define DNS_NAME(result, at) ((__u32)(result) | (__u32)(at) << 8)
#define DNS_NAME_RESULT(n) ((n)&0xff)
#define DNS_NAME_AT(n) ((n) >> 8)

/* Reads up to 16 labels of a name, from `at` bytes after its first byte. Returns a DNS_NAME. */
__noinline __u32 dns_labels(struct __sk_buff *skb, __u32 offset, __u32 length, __u32 at)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < DNS_LABELS_PER_CALL; i++) {
		__u8 label = 0;

		if (at >= length || at >= DNS_NAME_MAX ||
		    bpf_skb_load_bytes(skb, offset + at, &label, 1))
			return DNS_NAME_BAD;
		if (!label)
			return DNS_NAME(DNS_NAME_END, at + 1);
		if ((label & DNS_POINTER) == DNS_POINTER)
			return DNS_NAME(DNS_NAME_END, at + 2);
		if (label & DNS_POINTER) /* reserved: RFC 6891, section 5 */
			return DNS_NAME_BAD;
		at += label + 1;
	}
	return DNS_NAME(DNS_NAME_MORE, at);
}

/* Returns the length of the name at `offset`, or 0 if it is invalid or longer than `length`. */
__noinline __u32 dns_name_length(struct __sk_buff *skb, __u32 offset, __u32 length)
{
	__u32 name = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < DNS_LABELS_MAX / DNS_LABELS_PER_CALL; i++) {
		name = dns_labels(skb, offset, length, DNS_NAME_AT(name));
		if (DNS_NAME_RESULT(name) == DNS_NAME_END)
			return DNS_NAME_AT(name);
		if (DNS_NAME_RESULT(name) == DNS_NAME_BAD)
			return 0;
	}
	return 0;
}

/* Returns the enum abi_dns_type of the first question, which begins at `offset`. */
__noinline __u32 dns_question_type(struct __sk_buff *skb, __u32 offset, __u32 length)
{
	__u32 name = dns_name_length(skb, offset, length);
	__u8 type[2];

	if (!name || name + 4 > length ||
	    bpf_skb_load_bytes(skb, offset + name, type, sizeof(type)))
		return ABI_DNS_OTHER;
	return dns_type_of(type[0] << 8 | type[1]);
}

/*
 * Reads a message of `length` bytes. Returns a DNS_MESSAGE, or 0 for a query among answers or an
 * answer among queries.
 */
__noinline __u64 dns_read(struct __sk_buff *skb, __u32 offset, __u32 length, __u32 direction)
{
	__u8 header[DNS_HEADER_SIZE];
	__u32 id;

	if (length < sizeof(header) || bpf_skb_load_bytes(skb, offset, header, sizeof(header)))
		return DNS_MESSAGE(DNS_EVENT_SHORT, 0, 0);
	id = header[0] << 8 | header[1];
	if (!(header[2] & DNS_FLAG_ANSWER) != (direction == DNS_QUERIES))
		return 0;
	if (direction == DNS_ANSWERS)
		return DNS_MESSAGE(DNS_EVENT_MESSAGE, dns_rcode_of(header[3]), id);
	if (header[2] & DNS_FLAGS_OPCODE || !(header[4] | header[5]))
		return DNS_MESSAGE(DNS_EVENT_MESSAGE, ABI_DNS_OTHER, id);
	return DNS_MESSAGE(DNS_EVENT_MESSAGE,
			   dns_question_type(skb, offset + sizeof(header), length - sizeof(header)),
			   id);
}

/* ---- a stream: each message follows its length in two bytes (RFC 1035, section 4.2.2) ---- */

enum dns_state {
	DNS_LENGTH0, /* the start: 0 */
	DNS_LENGTH1,
	DNS_ID0,
	DNS_ID1,
	DNS_FLAGS0,
	DNS_FLAGS1,
	DNS_QUESTIONS0,
	DNS_QUESTIONS1_NONE,
	DNS_QUESTIONS1,
	DNS_COUNTS, /* skipped: the other three counts of the header */
	DNS_LABEL,
	DNS_LABEL_REST, /* skipped */
	DNS_POINTER_LOW,
	DNS_TYPE0,
	DNS_TYPE1,
	DNS_TYPE1_OTHER,
	DNS_REST, /* skipped, to the end of the message */
};

/*
 * The progress of a message that was read in part: state, bytes of the field to skip, bytes left in
 * the message, message id. In DNS_LENGTH1, `left` is the first byte of the length.
 */
#define DNS_WORD(state, skip, left, id) \
	((__u64)(state) | (__u64)(skip) << 5 | (__u64)((left)&0xffff) << 16 | (__u64)(id) << 32)
#define DNS_WORD_STATE(w) ((__u32)(w)&0x1f)
#define DNS_WORD_SKIP(w) ((__u32)((w) >> 5) & 0x3f)
#define DNS_WORD_LEFT(w) ((__u32)((w) >> 16) & 0xffff)
#define DNS_WORD_ID(w) ((__u32)((w) >> 32) & 0xffff)

/* Result of a step: the word, and above it the event with its value. */
#define DNS_STEP(word, event, value) ((word) | (__u64)(event) << 48 | (__u64)(value) << 52)
#define DNS_STEP_WORD(s) ((s)&0xffffffffffffULL)
#define DNS_STEP_EVENT(s) ((__u32)((s) >> 48) & 0xf)
#define DNS_STEP_VALUE(s) ((__u32)((s) >> 52) & 0xf)

static inline __u64 dns_step_length(__u32 state, __u32 first, __u32 byte)
{
	__u32 length = first << 8 | byte;

	if (state == DNS_LENGTH0)
		return DNS_WORD(DNS_LENGTH1, 0, byte, 0);
	if (length < DNS_HEADER_SIZE)
		return DNS_STEP(DNS_WORD(length ? DNS_REST : DNS_LENGTH0, 0, length, 0),
				DNS_EVENT_SHORT, 0);
	return DNS_WORD(DNS_ID0, 0, length, 0);
}

/*
 * Reads one byte of a message. `left`: the number of bytes after it. The header is complete, since
 * dns_step_length checks the length.
 */
static inline __u64 dns_step_message(__u32 state, __u32 left, __u32 id, __u32 byte, __u32 direction)
{
	__u32 next = DNS_REST, skip = 0, event = DNS_EVENT_NONE, value = 0;

	switch (state) {
	case DNS_ID0:
		id = byte << 8;
		next = DNS_ID1;
		break;
	case DNS_ID1:
		id |= byte;
		next = DNS_FLAGS0;
		break;
	case DNS_FLAGS0:
		if (!(byte & DNS_FLAG_ANSWER) != (direction == DNS_QUERIES))
			break;
		next = DNS_FLAGS1;
		if (direction == DNS_QUERIES && byte & DNS_FLAGS_OPCODE) {
			next = DNS_REST;
			event = DNS_EVENT_MESSAGE;
			value = ABI_DNS_OTHER;
		}
		break;
	case DNS_FLAGS1:
		next = DNS_QUESTIONS0;
		if (direction == DNS_ANSWERS) {
			next = DNS_REST;
			event = DNS_EVENT_MESSAGE;
			value = dns_rcode_of(byte);
		}
		break;
	case DNS_QUESTIONS0: next = byte ? DNS_QUESTIONS1 : DNS_QUESTIONS1_NONE; break;
	case DNS_QUESTIONS1_NONE:
	case DNS_QUESTIONS1:
		if (state == DNS_QUESTIONS1 || byte) {
			next = DNS_COUNTS;
			skip = 6;
		} else {
			event = DNS_EVENT_MESSAGE;
			value = ABI_DNS_OTHER;
		}
		break;
	case DNS_LABEL:
		if (!byte) {
			next = DNS_TYPE0;
		} else if ((byte & DNS_POINTER) == DNS_POINTER) {
			next = DNS_POINTER_LOW;
		} else if (byte & DNS_POINTER) {
			event = DNS_EVENT_MESSAGE;
			value = ABI_DNS_OTHER;
		} else {
			next = DNS_LABEL_REST;
			skip = byte;
		}
		break;
	case DNS_POINTER_LOW: next = DNS_TYPE0; break;
	case DNS_TYPE0: next = byte ? DNS_TYPE1_OTHER : DNS_TYPE1; break;
	case DNS_TYPE1:
	case DNS_TYPE1_OTHER:
		event = DNS_EVENT_MESSAGE;
		value = state == DNS_TYPE1 && left >= 2 ? dns_type_of(byte) : ABI_DNS_OTHER;
		break;
	}
	return DNS_STEP(DNS_WORD(next, skip, left, id), event, value);
}

/* Completes a step at the end of a message. If the question is incomplete, the type is other. */
static inline __u64 dns_step_end(__u64 step)
{
	__u32 state = DNS_WORD_STATE(step);

	if (DNS_WORD_LEFT(step) || state < DNS_COUNTS)
		return step;
	step &= ~0xffffffffULL;
	if (state != DNS_REST)
		step = DNS_STEP(step, DNS_EVENT_MESSAGE, ABI_DNS_OTHER);
	return step;
}

/* Reads one byte of a stream. Returns a DNS_STEP. */
__noinline __u64 dns_step(__u64 word, __u32 byte, __u32 direction)
{
	__u32 state = DNS_WORD_STATE(word);
	__u64 step;

	if (state <= DNS_LENGTH1)
		return dns_step_length(state, DNS_WORD_LEFT(word), byte & 0xff);
	step = dns_step_message(state, DNS_WORD_LEFT(word) - 1, DNS_WORD_ID(word), byte & 0xff,
				direction);
	return dns_step_end(step);
}

/* Skips `n` bytes, at most dns_skip(word). Returns a DNS_STEP. */
__noinline __u64 dns_step_over(__u64 word, __u32 n)
{
	__u32 state = DNS_WORD_STATE(word), skip = DNS_WORD_SKIP(word);

	if (skip) {
		skip -= n;
		if (!skip)
			state = DNS_LABEL; /* after the counts, or after a label */
	}
	return dns_step_end(DNS_WORD(state, skip, DNS_WORD_LEFT(word) - n, DNS_WORD_ID(word)));
}

/* Returns how many bytes may be skipped. */
static inline __u32 dns_skip(__u64 word)
{
	__u32 skip = DNS_WORD_STATE(word) == DNS_REST ? DNS_WORD_LEFT(word) : DNS_WORD_SKIP(word);

	return skip < DNS_WORD_LEFT(word) ? skip : DNS_WORD_LEFT(word);
}

/*
 * Reads a segment up to an event, its end, or DNS_STEPS_MAX steps. Returns a DNS_STEP, with the
 * number of bytes read in the eight bits above it, at most DNS_READ_MAX. The caller skips the rest
 * of a long message at once.
 */
#define DNS_STEPS_MAX 12 /* a query with three labels takes 18: the caller continues */
#define DNS_READ_MAX 255
#define DNS_READ_CONSUMED(r) ((__u32)((r) >> 56))

__noinline __u64 dns_stream_read(struct __sk_buff *skb, __u32 offset, __u32 length, __u64 word,
				 __u32 direction)
{
	__u32 consumed = 0;
	__u64 step = word;

	if (length > DNS_READ_MAX)
		length = DNS_READ_MAX;
#pragma clang loop unroll(disable)
	for (int i = 0; i < DNS_STEPS_MAX; i++) {
		__u32 skip = dns_skip(step), n = length - consumed;
		__u8 byte = 0;

		if (consumed >= length)
			break;
		if (skip) {
			n = skip < n ? skip : n;
			step = dns_step_over(DNS_STEP_WORD(step), n);
			consumed += n;
		} else {
			if (bpf_skb_load_bytes(skb, offset + consumed, &byte, 1))
				break;
			step = dns_step(DNS_STEP_WORD(step), byte, direction);
			consumed++;
		}
		if (DNS_STEP_EVENT(step))
			break;
	}
	return (step & 0xffffffffffffffULL) | (__u64)consumed << 56;
}
