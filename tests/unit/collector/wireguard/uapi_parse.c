// SPDX-License-Identifier: Apache-2.0
#include "collector/wireguard/uapi_parse.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a"
#define KEY_A "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"
#define KEY_B "58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376"

/* An answer of wireguard-go 0.0.20220316, with the further keys of wireguard.com/xplatform. */
static const char answer[] = "private_key=" SECRET "\n"
			     "listen_port=12912\n"
			     "fwmark=1\n"
			     "public_key=" KEY_A "\n"
			     "preshared_key=" SECRET "\n"
			     "protocol_version=1\n"
			     "endpoint=[fe80::1%eth0]:51820\n"
			     "last_handshake_time_sec=1700000000\n"
			     "last_handshake_time_nsec=123456789\n"
			     "tx_bytes=38333\n"
			     "rx_bytes=18446744073709551615\n"
			     "persistent_keepalive_interval=65535\n"
			     "allowed_ip=192.168.4.4/32\n"
			     "allowed_ip=FD00::/8\n"
			     "future=x=y\n"
			     "public_key=" KEY_B "\n"
			     "endpoint=182.122.22.19:3233\n"
			     "last_handshake_time_sec=0\n"
			     "last_handshake_time_nsec=0\n"
			     "tx_bytes=0\n"
			     "rx_bytes=0\n"
			     "persistent_keepalive_interval=0\n"
			     "allowed_ip=0.0.0.0/0\n"
			     "errno=0\n"
			     "\n";

static struct wireguard_device device;
static struct uapi_parser parser;

/* In pieces, each in memory of exactly its size, so that the sanitizer finds reads beyond it. */
static int parse(const char *text, size_t length, size_t piece)
{
	int r = 0;

	uapi_parser_init(&parser, &device);
	while (length && !r) {
		size_t n = length < piece ? length : piece;
		char *copy = malloc(n);

		memcpy(copy, text, n);
		r = uapi_parse(&parser, copy, n);
		free(copy);
		text += n;
		length -= n;
	}
	return r;
}

static int parse_text(const char *text)
{
	return parse(text, strlen(text), 4096);
}

static void forget(void)
{
	wireguard_device_free(&device);
}

TestSuite(uapi_parse, .fini = forget);

static void expect_answer(void)
{
	const struct wireguard_peer *a = &device.peers[1], *b = &device.peers[0];

	cr_assert_eq(device.count, 2);
	cr_expect_eq(a->public_key[0], 0xb8);
	cr_expect_eq(a->public_key[31], 0x33);
	cr_expect_str_eq(a->address, "fe80::1");
	cr_expect_eq(a->handshake_sec, 1700000000);
	cr_expect_eq(a->handshake_nsec, 123456789);
	cr_expect_eq(a->transmit_bytes, 38333);
	cr_expect_eq(a->receive_bytes, UINT64_MAX);
	cr_expect_eq(a->keepalive_sec, 65535);
	cr_expect_str_eq(wireguard_allowed(&device, a), "192.168.4.4/32,fd00::/8");
	cr_expect_eq(b->public_key[0], 0x58);
	cr_expect_str_eq(b->address, "182.122.22.19");
	cr_expect_eq(b->handshake_sec, 0);
	cr_expect(b->default_route);
}

Test(uapi_parse, an_answer_in_pieces_of_every_size)
{
	for (size_t piece = 1; piece <= sizeof(answer); piece++) {
		cr_assert_eq(parse(answer, strlen(answer), piece), 1, "pieces of %zu", piece);
		expect_answer();
	}
}

Test(uapi_parse, each_end_that_is_missing)
{
	for (size_t length = 0; length < strlen(answer); length++)
		cr_assert_eq(parse(answer, length, 4096), 0, "%zu bytes are taken for an answer",
			     length);
}

Test(uapi_parse, no_key_is_copied)
{
	for (size_t length = 0; length < strlen(answer); length++) {
		parse(answer, length, 7);
		cr_assert_null(memmem(&parser, sizeof(parser), SECRET, 8), "after %zu bytes",
			       length);
		cr_assert_null(memmem(&parser, sizeof(parser), "\xe8\x4b\x5a\x6d", 4),
			       "after %zu bytes", length);
	}
}

Test(uapi_parse, devices_without_peers)
{
	cr_expect_eq(parse_text("errno=0\n\n"), 1);
	cr_expect_eq(device.count, 0);
	cr_expect_eq(parse_text("private_key=" SECRET "\nlisten_port=1\nerrno=0\n\n"), 1);
	cr_expect_eq(device.count, 0);
}

Test(uapi_parse, an_error_of_the_device)
{
	cr_expect_eq(parse_text("errno=22\n\n"), -22);
	cr_expect_eq(parse_text("errno=-22\n\n"), -22);
	cr_expect_eq(parse_text("errno=99999\n\n"), -EBADMSG);
}

#define PEER "public_key=" KEY_A "\n"

Test(uapi_parse, what_is_no_answer)
{
	static const char *const bad[] = {
		"\n",
		"\n\n",
		"hello\n",
		"HTTP/1.1 200 OK\r\n\r\n",
		"=\n\n",
		"errno=\n\n",
		"errno=x\n\n",
		"errno=0\nerrno=0\n\n",
		"errno=0\n" PEER "\n",
		"rx_bytes=1\nerrno=0\n\n", /* whose? */
		"allowed_ip=0.0.0.0/0\nerrno=0\n\n",
		"public_key=\n",
		"public_key=" KEY_A "0\n",
		"public_key=zz5996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33\n",
		PEER "rx_bytes=\n",
		PEER "rx_bytes=-1\n",
		PEER "rx_bytes= 1\n",
		PEER "rx_bytes=18446744073709551616\n",
		PEER "rx_bytes=99999999999999999999999999\n",
		PEER "last_handshake_time_nsec=1000000000\n",
		PEER "last_handshake_time_sec=9223372036854775808\n",
		PEER "persistent_keepalive_interval=65536\n",
		PEER "persistent_keepalive_interval=off\n",
		PEER "endpoint=\n",
		PEER "endpoint=10.0.0.1\n",
		PEER "endpoint=10.0.0.1:65536\n",
		PEER "endpoint=10.0.0:1\n",
		PEER "endpoint=[::1:1\n",
		PEER "endpoint=[:1\n",
		PEER "endpoint=::1:1\n",
		PEER "endpoint=\"}:1\n",
		PEER "endpoint=host.example:1\n",
		PEER "allowed_ip=\n",
		PEER "allowed_ip=10.0.0.0\n",
		PEER "allowed_ip=10.0.0.0/\n",
		PEER "allowed_ip=10.0.0.0/33\n",
		PEER "allowed_ip=::/129\n",
		PEER "allowed_ip=10.0.0.0/8/8\n",
		PEER "allowed_ip=\"/8\n",
		PEER "public_key=" KEY_B "\n" PEER "errno=0\n\n", /* twice */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(parse_text(bad[i]), -EBADMSG, "%s", bad[i]);
}

Test(uapi_parse, bytes_of_every_value)
{
	char text[] = PEER "rx_bytes=1x\nerrno=0\n\n";
	char *x = strrchr(text, 'x');

	for (int c = 0; c < 256; c++) {
		*x = (char)c;
		cr_expect_eq(parse(text, sizeof(text) - 1, 4096),
			     c >= '0' && c <= '9' ? 1 : -EBADMSG, "byte %d", c);
	}
}

Test(uapi_parse, lines_without_end)
{
	static char line[1 << 16];
	int r = 0;

	memset(line, 'x', sizeof(line));
	cr_expect_eq(parse(line, sizeof(line), 4096), -EBADMSG, "a name");
	memcpy(line, "rx_bytes=", 9);
	cr_expect_eq(parse(line, sizeof(line), 4096), -EBADMSG, "a value that is wanted");
	memcpy(line, "future===", 9);
	uapi_parser_init(&parser, &device);
	while (!r)
		r = uapi_parse(&parser, line, sizeof(line));
	cr_expect_eq(r, -EMSGSIZE, "a value that is not");
	cr_expect_leq(parser.bytes, UAPI_ANSWER_MAX + sizeof(line));
}

Test(uapi_parse, peers_without_end)
{
	char text[128];
	unsigned int i = 0;
	int r = 0;

	uapi_parser_init(&parser, &device);
	for (; !r; i++) {
		snprintf(text, sizeof(text),
			 "public_key=%064x\nrx_bytes=%u\nallowed_ip=10.0.0.0/8\n", i, i);
		r = uapi_parse(&parser, text, strlen(text));
	}
	cr_expect_eq(r, -EMSGSIZE);
	cr_expect_eq(device.count, WIREGUARD_PEERS_MAX);
	cr_expect_leq(device.text_max, WIREGUARD_PEERS_MAX * 64);
}
