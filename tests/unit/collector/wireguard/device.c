// SPDX-License-Identifier: Apache-2.0
#include "collector/wireguard/device.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

Test(device, invalid_prefixes)
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
	cr_expect_str_eq(wireguard_allowed(&device, &device.peers[WIREGUARD_PEERS_MAX - 1]),
			 "0.0.0.0/0");
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

static bool owns_default_route(const char *list)
{
	char text[512], *rest, *one;
	bool owns;

	wireguard_device_reset(&device);
	peer_begin(1);
	snprintf(text, sizeof(text), "%s", list);
	for (one = strtok_r(text, ",", &rest); one; one = strtok_r(NULL, ",", &rest)) {
		char *slash = strchr(one, '/');

		*slash = 0;
		cr_assert_eq(allow(one, (unsigned int)atoi(slash + 1)), 0, "%s", one);
	}
	owns = device.peers[0].default_route;
	return owns;
}

Test(device, the_default_route_has_many_forms)
{
	cr_expect(owns_default_route("0.0.0.0/0"));
	cr_expect(owns_default_route("::/0"));
	cr_expect(owns_default_route("0.0.0.0/1,128.0.0.0/1"));
	cr_expect(owns_default_route("::/1,8000::/1"));
	cr_expect(owns_default_route("2000::/3"));
	/* All but 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16: the largest parts of it. */
	cr_expect(owns_default_route(
		"0.0.0.0/5,8.0.0.0/7,11.0.0.0/8,12.0.0.0/6,16.0.0.0/4,32.0.0.0/3,64.0.0.0/2,"
		"128.0.0.0/3,160.0.0.0/5,168.0.0.0/6,172.0.0.0/12,176.0.0.0/4,193.0.0.0/8"));
	cr_expect_not(owns_default_route("0.0.0.0/1"), "one half, the other may be another peer's");
	cr_expect_not(owns_default_route("10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"));
	cr_expect_not(owns_default_route("fc00::/7,fe80::/10,8000::/1"));
	cr_expect_not(owns_default_route("2000::/4"));
	cr_expect_not(owns_default_route("2001:db8::/32,2001:db8::1/128,192.0.2.1/32"));
}
