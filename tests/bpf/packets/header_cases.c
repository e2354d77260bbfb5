// SPDX-License-Identifier: Apache-2.0
/*
 * Headers of every length, and false ones. A packet that the kernel drops must not count and must
 * not advance the dialogue.
 */
#include <string.h>

#include "talk.h"

#define WORDS "\5\1\0\5\1\0\1\300\0\2\1\0\120"
#define WORDS_LENGTH (sizeof(WORDS) - 1)

/*
 * Runs one client segment that `change` may alter. Returns how many bytes of the stream were read.
 */
static uint32_t read_after(struct kernel *kernel, const struct frame_shape *shape,
			   void (*change)(struct frame *, int), int n)
{
	struct talk_way way = { *shape, false, "" };
	struct session session = {};
	struct frame frame;
	struct talk talk;

	talk_begin(&talk, kernel, &way);
	talk_open(&talk);
	talk_frame(&talk, &frame, CLIENT, 0, WORDS, WORDS_LENGTH, 0);
	if (change)
		change(&frame, n);
	talk_send(&talk, CLIENT, &frame);
	check(talk_session(&talk, &session), "no session");
	talk.want.requests.connect = session.dialogue.client.next == WORDS_LENGTH;
	talk_check(&talk);
	talk_end(&talk);
	return session.dialogue.client.next;
}

static void right(struct kernel *kernel)
{
	for (int version = 4; version <= 6; version += 2)
		for (uint32_t l2 = 0; l2 <= 14; l2 += 14)
			for (int options = 0; options <= (version == 4 ? 10 : 5); options++)
				for (int words = 0; words <= 10; words++) {
					struct frame_shape shape = { version, l2, options, words };
					/*
					 * Five extension headers are more than the programs read.
					 */
					bool heard = version == 4 || options < 5;

					check_about(
						"IPv%d, L2 %u, %d options, %d words of TCP options",
						version, l2, options, words);
					check(read_after(kernel, &shape, NULL, 0) ==
						      (heard ? WORDS_LENGTH : 0),
					      "it was %s", heard ? "not read" : "read");
				}
}

/* Ethernet pads to 60 bytes: bytes after the IP packet are not payload. */
static void pad(struct frame *frame, int n)
{
	uint8_t padding[46] = "\5\1\0\5\1\0\1\5\1\0\5\1\0\1";

	frame->length -= WORDS_LENGTH - 3;
	frame_end(frame);
	frame_payload(frame, padding, sizeof(padding));
}

static void padded(struct kernel *kernel)
{
	for (int version = 4; version <= 6; version += 2) {
		struct frame_shape shape = { version, 14, 0, 0 };

		check_about("IPv%d", version);
		check(read_after(kernel, &shape, pad, 0) == 3, "the padding was read");
	}
}

static void set_ip_length(struct frame *frame, int length)
{
	frame_put16(frame, frame->network + (frame->version == 4 ? 2 : 4), (uint32_t)length);
}

static void ip_length_lies(struct kernel *kernel)
{
	for (int version = 4; version <= 6; version += 2) {
		int headers = version == 4 ? 40 : 20;

		for (int l2 = 0; l2 <= 14; l2 += 14)
			for (int length = 0; length < 0x10000; length += length < 100 ? 1 : 977) {
				struct frame_shape shape = { version, (uint32_t)l2, 0, 0 };
				uint32_t read, payload = length < headers
								 ? 0
								 : (uint32_t)(length - headers);

				check_about("IPv%d, L2 %d, stated length %d", version, l2, length);
				read = read_after(kernel, &shape, set_ip_length, length);
				check(read == (payload > WORDS_LENGTH ? 0 : payload),
				      "%u bytes were read", read);
			}
	}
}

static void set_data_offset(struct frame *frame, int words)
{
	frame->bytes[frame->transport + 12] = (uint8_t)(words << 4);
}

static void data_offset_lies(struct kernel *kernel)
{
	for (int version = 4; version <= 6; version += 2)
		for (int words = 0; words < 16; words++) {
			struct frame_shape shape = { version, 14, 0, 0 };
			uint32_t read;

			check_about("IPv%d, data offset %d", version, words);
			read = read_after(kernel, &shape, set_data_offset, words);
			/*
			 * A larger offset makes the program skip our first bytes as options. The
			 * bytes read then begin with "\1\300…", which is not SOCKS.
			 */
			check(words < 5 || words > 8 ? read == 0
						     : words > 5 || read == WORDS_LENGTH,
			      "%u bytes were read", read);
		}
}

static void set_ihl(struct frame *frame, int words)
{
	frame->bytes[frame->network] = (uint8_t)(0x40 | words);
}

static void ihl_lies(struct kernel *kernel)
{
	for (int words = 0; words < 16; words++) {
		struct frame_shape shape = { 4, 14, 0, 0 };
		uint32_t read;

		check_about("IHL %d", words);
		read = read_after(kernel, &shape, set_ihl, words);
		check(read == (words == 5 ? WORDS_LENGTH : 0), "%u bytes were read", read);
	}
}

static void set_fragment(struct frame *frame, int fragment)
{
	frame_put16(frame, frame->network + 6, (uint32_t)fragment);
}

/* "Don't fragment" and the reserved bit are no fragments. */
static void fragments(struct kernel *kernel)
{
	static const int fields[] = {
		0, 0x4000, 0x8000, 0xc000, 0x2000, 0x2001, 1, 0x1fff, 0x6000
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct frame_shape shape = { 4, 14, 0, 0 };

		check_about("fragment field %04x", (unsigned int)fields[i]);
		check(read_after(kernel, &shape, set_fragment, fields[i]) ==
			      (i < 4 ? WORDS_LENGTH : 0),
		      "wrong");
	}
}

static void set_ipv6_fragment(struct frame *frame, int field)
{
	frame->bytes[frame->network + 6] = 44;
	frame->bytes[frame->network + 41] = 0xff; /* reserved: no length */
	frame_put16(frame, frame->network + 42, (uint32_t)field);
}

/*
 * One without offset that is also the last is a whole packet ("atomic", RFC 6946), as it is for the
 * server's kernel.
 */
static void ipv6_fragments(struct kernel *kernel)
{
	static const int fields[] = { 0, 6, 1, 8, 9, 0xfff8 };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		for (int extensions = 1; extensions <= 3; extensions++) {
			struct frame_shape shape = { 6, 14, extensions, 0 };

			check_about("fragment field %04x, %d extension headers",
				    (unsigned int)fields[i], extensions);
			check(read_after(kernel, &shape, set_ipv6_fragment, fields[i]) ==
				      (i < 2 ? WORDS_LENGTH : 0),
			      "wrong");
		}
}

static void set_next_header(struct frame *frame, int next)
{
	frame->bytes[frame->network + 6] = (uint8_t)next;
}

static void ipv6_next_headers(struct kernel *kernel)
{
	for (int next = 0; next < 256; next++)
		for (int extensions = 0; extensions < 2; extensions++) {
			struct frame_shape shape = { 6, 14, extensions, 0 };
			/* Hop-by-hop, routing, fragment (an atomic one), destination. */
			bool passed = next == 0 || next == 43 || next == 44 || next == 60;
			uint32_t read;

			check_about("next header %d, %d extensions", next, extensions);
			read = read_after(kernel, &shape, set_next_header, next);
			check(extensions ? read == (passed ? WORDS_LENGTH : 0)
					 : read == (next == 6 ? WORDS_LENGTH : 0),
			      "%u bytes were read", read);
		}
}

static void set_extension_length(struct frame *frame, int units)
{
	frame->bytes[frame->network + 41] = (uint8_t)units;
}

static void ipv6_extension_lies(struct kernel *kernel)
{
	for (int units = 1; units < 256; units++) {
		struct frame_shape shape = { 6, 14, 1, 0 };

		check_about("an extension header of %d", units);
		check(read_after(kernel, &shape, set_extension_length, units) == 0, "it was read");
	}
}

static void cut(struct frame *frame, int length)
{
	frame->length = frame->network + (size_t)length;
}

/* Truncated packets whose headers state the full length. */
static void cut_anywhere(struct kernel *kernel)
{
	for (int version = 4; version <= 6; version += 2) {
		struct frame_shape shape = { version, 14, 1, 2 };
		int begin = version == 4 ? 20 : 40, headers = begin + (version == 4 ? 4 : 8) + 28;

		for (int length = begin; length < headers + (int)WORDS_LENGTH; length++) {
			check_about("IPv%d, cut to %d", version, length);
			check(read_after(kernel, &shape, cut, length) == 0, "it was read");
		}
	}
}

const struct test_case header_cases[] = {
	{ "headers/of all lengths", right },
	{ "headers/padding", padded },
	{ "headers/the IP length lies", ip_length_lies },
	{ "headers/the data offset lies", data_offset_lies },
	{ "headers/the IP header's length lies", ihl_lies },
	{ "headers/fragments", fragments },
	{ "headers/IPv6 fragments", ipv6_fragments },
	{ "headers/IPv6 next headers", ipv6_next_headers },
	{ "headers/IPv6 extension headers lie", ipv6_extension_lies },
	{ "headers/cut", cut_anywhere },
	{ NULL },
};
