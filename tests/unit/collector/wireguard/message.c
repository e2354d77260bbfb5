// SPDX-License-Identifier: Apache-2.0
#include "collector/wireguard/message.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/time_types.h>
#include <linux/wireguard.h>

static struct wireguard_device device;

struct message {
	char bytes[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *header;
	struct nlattr *peers;
};

static const uint8_t secret[32] = "this is the private key of wg0.";

static void forget(void)
{
	wireguard_device_free(&device);
}

TestSuite(message, .fini = forget);

/* As the kernel's wg_get_device_dump writes it. */
static void message_begin(struct message *m)
{
	struct genlmsghdr *header;

	memset(m, 0, sizeof(*m));
	m->header = mnl_nlmsg_put_header(m->bytes);
	header = mnl_nlmsg_put_extra_header(m->header, sizeof(*header));
	header->cmd = WG_CMD_GET_DEVICE;
	header->version = WG_GENL_VERSION;
	mnl_attr_put_u16(m->header, WGDEVICE_A_LISTEN_PORT, 51820);
	mnl_attr_put_u32(m->header, WGDEVICE_A_FWMARK, 0);
	mnl_attr_put_u32(m->header, WGDEVICE_A_IFINDEX, 7);
	mnl_attr_put_strz(m->header, WGDEVICE_A_IFNAME, "wg0");
	mnl_attr_put(m->header, WGDEVICE_A_PRIVATE_KEY, sizeof(secret), secret);
	mnl_attr_put(m->header, WGDEVICE_A_PUBLIC_KEY, sizeof(secret), secret);
	m->peers = mnl_attr_nest_start(m->header, WGDEVICE_A_PEERS);
}

static struct nlattr *peer_start(struct message *m, uint8_t number)
{
	struct nlattr *peer = mnl_attr_nest_start(m->header, 0);
	uint8_t key[WIREGUARD_KEY_SIZE] = { number };

	mnl_attr_put(m->header, WGPEER_A_PUBLIC_KEY, sizeof(key), key);
	return peer;
}

static void put_details(struct message *m, uint64_t bytes)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(51820),
				       .sin_addr = { htonl(0xc0000201) } };
	struct __kernel_timespec time = { 1700000000, 5 };

	mnl_attr_put(m->header, WGPEER_A_PRESHARED_KEY, sizeof(secret), secret);
	mnl_attr_put(m->header, WGPEER_A_LAST_HANDSHAKE_TIME, sizeof(time), &time);
	mnl_attr_put_u16(m->header, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, 25);
	mnl_attr_put_u64(m->header, WGPEER_A_TX_BYTES, bytes);
	mnl_attr_put_u64(m->header, WGPEER_A_RX_BYTES, bytes + 1);
	mnl_attr_put_u32(m->header, WGPEER_A_PROTOCOL_VERSION, 1);
	mnl_attr_put(m->header, WGPEER_A_ENDPOINT, sizeof(address), &address);
}

static void put_allowed(struct message *m, const char *text, uint8_t bits)
{
	struct nlattr *nest = mnl_attr_nest_start(m->header, 0);
	bool v6 = strchr(text, ':');
	uint8_t address[16];

	inet_pton(v6 ? AF_INET6 : AF_INET, text, address);
	mnl_attr_put_u16(m->header, WGALLOWEDIP_A_FAMILY, v6 ? AF_INET6 : AF_INET);
	mnl_attr_put(m->header, WGALLOWEDIP_A_IPADDR, v6 ? 16 : 4, address);
	mnl_attr_put_u8(m->header, WGALLOWEDIP_A_CIDR_MASK, bits);
	mnl_attr_nest_end(m->header, nest);
}

static void put_peer(struct message *m, uint8_t number, uint64_t bytes)
{
	struct nlattr *peer = peer_start(m, number), *list;

	put_details(m, bytes);
	list = mnl_attr_nest_start(m->header, WGPEER_A_ALLOWEDIPS);
	put_allowed(m, "10.0.0.0", 8);
	put_allowed(m, "::", 0);
	mnl_attr_nest_end(m->header, list);
	mnl_attr_nest_end(m->header, peer);
}

static int parse(struct message *m)
{
	mnl_attr_nest_end(m->header, m->peers);
	return wireguard_message_parse(m->header, &device);
}

Test(message, a_device)
{
	struct message m;

	message_begin(&m);
	put_peer(&m, 2, 1000);
	put_peer(&m, 1, UINT64_MAX - 1);
	cr_assert_eq(parse(&m), 0);
	cr_assert_eq(wireguard_device_finish(&device), 0);
	cr_assert_eq(device.count, 2);
	cr_expect_eq(device.peers[0].receive_bytes, UINT64_MAX);
	cr_expect_eq(device.peers[1].transmit_bytes, 1000);
	cr_expect_eq(device.peers[1].receive_bytes, 1001);
	cr_expect_eq(device.peers[1].handshake_sec, 1700000000);
	cr_expect_eq(device.peers[1].handshake_nsec, 5);
	cr_expect_eq(device.peers[1].keepalive_sec, 25);
	cr_expect_str_eq(device.peers[1].address, "192.0.2.1");
	cr_expect_str_eq(wireguard_allowed(&device, &device.peers[1]), "10.0.0.0/8,::/0");
	cr_expect(device.peers[1].default_route);
	cr_expect_null(memmem(device.peers, device.max * sizeof(*device.peers), secret, 8));
	cr_expect_null(memmem(device.text, device.text_max, secret, 8));
}

Test(message, a_peer_that_goes_on_in_the_next_message)
{
	struct nlattr *peer, *list;
	struct message m;

	message_begin(&m);
	put_peer(&m, 1, 1);
	put_peer(&m, 2, 1000);
	cr_assert_eq(parse(&m), 0);
	message_begin(&m); /* the rest of its list, and its key alone */
	peer = peer_start(&m, 2);
	list = mnl_attr_nest_start(m.header, WGPEER_A_ALLOWEDIPS);
	put_allowed(&m, "172.16.0.0", 12);
	mnl_attr_nest_end(m.header, list);
	mnl_attr_nest_end(m.header, peer);
	put_peer(&m, 3, 3000);
	cr_assert_eq(parse(&m), 0);
	cr_assert_eq(wireguard_device_finish(&device), 0);
	cr_assert_eq(device.count, 3);
	cr_expect_str_eq(wireguard_allowed(&device, &device.peers[0]), "10.0.0.0/8,::/0");
	cr_expect_eq(device.peers[1].transmit_bytes, 1000);
	cr_expect_str_eq(wireguard_allowed(&device, &device.peers[1]),
			 "10.0.0.0/8,::/0,172.16.0.0/12");
	cr_expect_eq(device.peers[2].transmit_bytes, 3000);
}

Test(message, an_ipv6_endpoint)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6,
					.sin6_addr.s6_addr = { 0x20, 1, 0xd, 0xb8, [15] = 7 } };
	struct nlattr *peer;
	struct message m;

	message_begin(&m);
	peer = peer_start(&m, 1);
	mnl_attr_put(m.header, WGPEER_A_ENDPOINT, sizeof(address), &address);
	mnl_attr_nest_end(m.header, peer);
	cr_assert_eq(parse(&m), 0);
	cr_expect_str_eq(device.peers[0].address, "2001:db8::7");
	cr_expect_eq(device.peers[0].handshake_sec, 0);
}

Test(message, no_peers)
{
	struct message m;

	message_begin(&m);
	cr_expect_eq(parse(&m), 0);
	cr_expect_eq(device.count, 0);
}

/* One attribute of a peer, of this size. */
static int parse_with(uint16_t type, size_t size, uint8_t fill)
{
	struct nlattr *peer;
	uint8_t bytes[64];
	struct message m;

	memset(bytes, fill, sizeof(bytes));
	message_begin(&m);
	peer = peer_start(&m, 1);
	mnl_attr_put(m.header, type, size, bytes);
	mnl_attr_nest_end(m.header, peer);
	wireguard_device_reset(&device);
	return parse(&m);
}

Test(message, attributes_of_another_size)
{
	static const struct {
		uint16_t type;
		size_t size;
	} fixed[] = { { WGPEER_A_RX_BYTES, 8 },
		      { WGPEER_A_TX_BYTES, 8 },
		      { WGPEER_A_LAST_HANDSHAKE_TIME, 16 },
		      { WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, 2 } };

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++) {
		for (size_t size = 0; size <= 40; size++)
			cr_expect_eq(parse_with(fixed[i].type, size, 0),
				     size == fixed[i].size ? 0 : -EBADMSG,
				     "attribute %u of %zu bytes", fixed[i].type, size);
	}
	for (size_t size = 0; size <= 40; size++)
		cr_expect_eq(parse_with(WGPEER_A_ENDPOINT, size, 0), -EBADMSG,
			     "an endpoint of no family");
	cr_expect_eq(parse_with(WGPEER_A_LAST_HANDSHAKE_TIME, 16, 0xff), -EBADMSG,
		     "before the epoch");
	cr_expect_eq(parse_with(WGPEER_A_PUBLIC_KEY, 32, 9), -EBADMSG, "two keys");
	cr_expect_eq(parse_with(WGPEER_A_ALLOWEDIPS, 40, 0xff), -EBADMSG);
	cr_expect_eq(parse_with(99, 40, 0xff), 0, "what a later kernel adds");
}

Test(message, a_peer_without_its_key)
{
	struct nlattr *peer;
	struct message m;

	message_begin(&m);
	peer = mnl_attr_nest_start(m.header, 0);
	mnl_attr_put_u64(m.header, WGPEER_A_RX_BYTES, 1);
	mnl_attr_nest_end(m.header, peer);
	cr_expect_eq(parse(&m), -EBADMSG);
	message_begin(&m);
	mnl_attr_nest_end(m.header, mnl_attr_nest_start(m.header, 0));
	cr_expect_eq(parse(&m), -EBADMSG, "an empty one");
}

/* In memory of exactly its size, so that the sanitizer finds reads beyond it. */
static int parse_copy(const struct nlmsghdr *header, uint32_t length)
{
	struct nlmsghdr *copy = malloc(length);
	int r;

	memcpy(copy, header, length);
	copy->nlmsg_len = length;
	wireguard_device_reset(&device);
	r = wireguard_message_parse(copy, &device);
	free(copy);
	return r;
}

Test(message, cut_anywhere)
{
	struct message m;
	unsigned int good = 0;

	message_begin(&m);
	put_peer(&m, 1, 1000);
	put_peer(&m, 2, 1000);
	cr_assert_eq(parse(&m), 0);
	for (uint32_t length = NLMSG_HDRLEN; length < m.header->nlmsg_len; length++) {
		int r = parse_copy(m.header, length);

		cr_expect(r == 0 || r == -EBADMSG);
		good += !r;
	}
	/*
	 * Before and behind each of the six attributes in front of the peers, and in what pads the
	 * first.
	 */
	cr_expect_eq(good, 9, "%u", good);
}

Test(message, every_byte_that_lies)
{
	struct message m;

	message_begin(&m);
	put_peer(&m, 1, 1000);
	put_peer(&m, 2, 1000);
	parse(&m);
	for (uint32_t at = NLMSG_HDRLEN; at < m.header->nlmsg_len; at++) {
		static const uint8_t lies[] = { 0, 1, 3, 4, 5, 0x7f, 0x80, 0xff };
		uint8_t truth = m.bytes[at];

		for (size_t i = 0; i < sizeof(lies); i++) {
			m.bytes[at] = lies[i];
			if (!parse_copy(m.header, m.header->nlmsg_len))
				wireguard_device_finish(&device);
			cr_assert_leq(device.count, 2);
		}
		m.bytes[at] = truth;
	}
}

Test(message, what_is_something_else)
{
	struct message m;

	message_begin(&m);
	((struct genlmsghdr *)mnl_nlmsg_get_payload(m.header))->cmd = WG_CMD_SET_DEVICE;
	cr_expect_eq(parse(&m), -EBADMSG);
}

Test(message, families)
{
	char bytes[256] __attribute__((aligned(NLMSG_ALIGNTO))) = {};
	struct nlmsghdr *header = mnl_nlmsg_put_header(bytes);

	cr_expect_eq(family_message_parse(header), 0);
	mnl_nlmsg_put_extra_header(header, sizeof(struct genlmsghdr));
	mnl_attr_put_strz(header, CTRL_ATTR_FAMILY_NAME, "wireguard");
	cr_expect_eq(family_message_parse(header), 0);
	mnl_attr_put_u16(header, CTRL_ATTR_FAMILY_ID, 31);
	cr_expect_eq(family_message_parse(header), 31);
	header->nlmsg_len -= 3;
	cr_expect_eq(family_message_parse(header), 0);
}
