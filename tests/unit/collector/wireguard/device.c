// SPDX-License-Identifier: Apache-2.0
#include "collector/wireguard/device.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct wireguard_device device;

static struct wireguard_peer *peer_begin(uint32_t number)
{
	uint8_t key[WIREGUARD_KEY_SIZE] = { number >> 16, number >> 8, number };
	struct wireguard_peer *peer;

	cr_assert_eq(wireguard_peer_begin(&device, key, &peer), 0);
	return peer;
}

static int allow(const char *text, unsigned int bits)
{
	uint8_t address[16];
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	cr_assert_eq(inet_pton(family, text, address), 1);
	return wireguard_allowed_add(&device, family, address, bits);
}

static void forget(void)
{
	wireguard_device_free(&device);
}

TestSuite(device, .fini = forget);

Test(device, keys_are_written_as_wg_writes_them)
{
	char text[WIREGUARD_KEY_TEXT_SIZE];
	uint8_t key[WIREGUARD_KEY_SIZE] = {};

	wireguard_key_text(key, text);
	cr_expect_str_eq(text, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
	memset(key, 0xff, sizeof(key));
	wireguard_key_text(key, text);
	cr_expect_str_eq(text, "//////////////////////////////////////////8=");
	for (unsigned int i = 0; i < sizeof(key); i++)
		key[i] = i * 7 + 3;
	wireguard_key_text(key, text);
	cr_expect_str_eq(text, "AwoRGB8mLTQ7QklQV15lbHN6gYiPlp2kq7K5wMfO1dw=");
}

Test(device, peers_are_sorted_and_keep_their_lists)
{
	peer_begin(3)->receive_bytes = 33;
	cr_expect_eq(allow("10.0.0.0", 8), 0);
	cr_expect_eq(allow("fd00::", 64), 0);
	peer_begin(1)->receive_bytes = 11;
	peer_begin(2)->receive_bytes = 22;
	cr_expect_eq(allow("0.0.0.0", 0), 0);
	cr_assert_eq(wireguard_device_finish(&device), 0);
	cr_assert_eq(device.count, 3);
	for (uint32_t i = 0; i < 3; i++)
		cr_expect_eq(device.peers[i].receive_bytes, 11 * (i + 1));
	cr_expect_str_eq(wireguard_allowed(&device, &device.peers[0]), "");
	cr_expect_str_eq(wireguard_allowed(&device, &device.peers[1]), "0.0.0.0/0");
	cr_expect_str_eq(wireguard_allowed(&device, &device.peers[2]), "10.0.0.0/8,fd00::/64");
	cr_expect_not(device.peers[0].default_route);
	cr_expect(device.peers[1].default_route);
	cr_expect_not(device.peers[2].default_route);
}

Test(device, a_peer_goes_on_under_its_key)
{
	peer_begin(1)->keepalive_sec = 25;
	allow("10.0.0.0", 8);
	cr_expect_eq(peer_begin(1)->keepalive_sec, 25);
	allow("11.0.0.0", 8);
	cr_expect_eq(device.count, 1);
	cr_expect_str_eq(wireguard_allowed(&device, &device.peers[0]), "10.0.0.0/8,11.0.0.0/8");
	peer_begin(2);
	peer_begin(1); /* but not when another one was between */
	cr_expect_eq(wireguard_device_finish(&device), -EBADMSG);
}

Test(device, prefixes_that_are_none)
{
	peer_begin(1);
	cr_expect_eq(allow("10.0.0.0", 33), -EBADMSG);
	cr_expect_eq(allow("::", 129), -EBADMSG);
	cr_expect_eq(allow("10.0.0.0", 32), 0);
	cr_expect_eq(allow("::", 128), 0);
	cr_expect_eq(wireguard_allowed_add(&device, AF_UNIX, "", 0), -EBADMSG);
}

Test(device, is_bounded)
{
	for (uint32_t i = 0; i < WIREGUARD_PEERS_MAX + 10; i++) {
		struct wireguard_peer *peer = peer_begin(i);

		cr_expect_eq(!peer, i >= WIREGUARD_PEERS_MAX, "%u", i);
		cr_expect_eq(allow("0.0.0.0", 0), 0);
		cr_expect_eq(!peer_begin(i), !peer, "the same again: %u", i);
	}
	cr_expect_eq(device.count, WIREGUARD_PEERS_MAX);
	cr_expect_eq(device.lost, 10);
	cr_expect_str_eq(wireguard_allowed(&device, &device.peers[WIREGUARD_PEERS_MAX - 1]), "0.0.0.0/0");
}

Test(device, a_long_list_is_cut)
{
	const char *list;

	peer_begin(1);
	for (int i = 0; i < 5000; i++)
		cr_assert_eq(allow("fd00:1234:5678:9abc:def0:1234:5678:9abc", 128), 0);
	cr_assert_eq(allow("0.0.0.0", 0), 0);
	peer_begin(2);
	allow("10.0.0.0", 8);
	list = wireguard_allowed(&device, &device.peers[0]);
	cr_expect_leq(strlen(list), WIREGUARD_ALLOWED_TEXT_MAX);
	cr_expect_gt(strlen(list), WIREGUARD_ALLOWED_TEXT_MAX - 100);
	cr_expect_str_eq(strstr(list, "…"), "…", "at the end");
	cr_expect(device.peers[0].default_route, "though it is not in the text");
	cr_expect_eq(device.lost, 1);
	cr_expect_str_eq(wireguard_allowed(&device, &device.peers[1]), "10.0.0.0/8");
}
