// SPDX-License-Identifier: Apache-2.0
/*
 * bpf/parse/dns.h: the input is a direction (1 byte) and a stream of messages, each after its
 * length. Each message is read as a datagram and compared with a plain reader in this file. The
 * stream is then read in pieces, with the same result for each message.
 */
#include "kernel.h"

#include "bpf/parse/dns.h"

#define MESSAGES_MAX 512

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

/* ---- the plain reader ---- */

static uint32_t plain_type(const uint8_t *message, uint32_t length, uint32_t name_max)
{
	uint32_t at = 12;

	while (at < length && at - 12 < name_max && message[at] && message[at] < 64)
		at += message[at] + 1u;
	if (at >= length || at - 12 >= name_max || (message[at] && message[at] < 0xc0))
		return ABI_DNS_OTHER;
	at += message[at] ? 2 : 1;
	return at + 4 <= length ? dns_type_of(get16(message + at)) : ABI_DNS_OTHER;
}

static uint64_t plain_read(const uint8_t *message, uint32_t length, uint32_t direction,
			   uint32_t name_max)
{
	if (length < 12)
		return DNS_MESSAGE(DNS_EVENT_SHORT, 0, 0);
	if ((message[2] >> 7) != (direction == DNS_ANSWERS))
		return 0;
	if (direction == DNS_ANSWERS)
		return DNS_MESSAGE(DNS_EVENT_MESSAGE, dns_rcode_of(message[3]), get16(message));
	if (message[2] & 0x78 || !get16(message + 4))
		return DNS_MESSAGE(DNS_EVENT_MESSAGE, ABI_DNS_OTHER, get16(message));
	return DNS_MESSAGE(DNS_EVENT_MESSAGE, plain_type(message, length, name_max),
			   get16(message));
}

/* ---- the stream ---- */

struct heard {
	uint64_t messages[MESSAGES_MAX];
	uint32_t count;
	uint64_t word;
};

static void hear(struct heard *heard, uint64_t step)
{
	uint32_t event = DNS_STEP_EVENT(step);

	if (event == DNS_EVENT_NONE)
		return;
	CHECK(heard->count < MESSAGES_MAX && event <= DNS_EVENT_SHORT, "%u", event);
	heard->messages[heard->count++] =
		event == DNS_EVENT_SHORT
			? DNS_MESSAGE(event, 0, 0)
			: DNS_MESSAGE(event, DNS_STEP_VALUE(step), DNS_WORD_ID(step));
}

/* As the program does, in a segment that is in memory of exactly its size. */
static void hear_segment(struct heard *heard, const uint8_t *bytes, size_t size, uint32_t direction)
{
	uint8_t *copy = fuzz_copy(bytes, size);
	struct __sk_buff skb = { .len = (uint32_t)size };
	uint32_t at = 0;

	packet_bytes = copy;
	while (at < size) {
		uint64_t step =
			dns_stream_read(&skb, at, (uint32_t)size - at, heard->word, direction);

		CHECK(DNS_READ_CONSUMED(step) && DNS_READ_CONSUMED(step) <= size - at, "%u of %zu",
		      DNS_READ_CONSUMED(step), size - at);
		at += DNS_READ_CONSUMED(step);
		heard->word = DNS_STEP_WORD(step);
		hear(heard, step);
	}
	free(copy);
}

static void check_datagram(const uint8_t *message, uint32_t length, uint32_t direction)
{
	uint8_t *copy = fuzz_copy(message, length);
	struct __sk_buff skb = { .len = length };
	uint64_t is, must = plain_read(message, length, direction, 255);

	packet_bytes = copy;
	is = dns_read(&skb, 0, length, direction);
	CHECK(is == must, "%llx instead of %llx", (unsigned long long)is, (unsigned long long)must);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct heard whole, cut;
	uint32_t direction, complete = 0;
	struct cuts cuts;
	size_t at = 0;

	if (!size)
		return 0;
	direction = data[0] & 1 ? DNS_ANSWERS : DNS_QUERIES;
	data++, size--;
	cuts = cuts_begin(data, size, direction, 40);
	whole.count = cut.count = 0;
	whole.word = cut.word = 0;
	if (size / 2 > MESSAGES_MAX)
		return 0;
	hear_segment(&whole, data, size, direction);
	for (size_t piece; at < size; at += piece) {
		piece = cuts_next(&cuts, size - at);
		hear_segment(&cut, data + at, piece, direction);
	}
	CHECK(whole.count == cut.count && whole.word == cut.word, "%u messages, cut %u",
	      whole.count, cut.count);
	CHECK(!memcmp(whole.messages, cut.messages, whole.count * sizeof(whole.messages[0])),
	      "other messages");

	for (at = 0; at + 2 <= size && at + 2 + get16(data + at) <= size;
	     at += 2 + get16(data + at)) {
		uint64_t must = plain_read(data + at + 2, get16(data + at), direction, ~0u);

		check_datagram(data + at + 2, get16(data + at), direction);
		if (!must)
			continue;
		CHECK(complete < whole.count && whole.messages[complete] == must,
		      "message %u is %llx", complete, (unsigned long long)must);
		complete++;
	}
	CHECK(whole.count <= complete + 1, "%u messages of %u", whole.count, complete);
	return 0;
}
