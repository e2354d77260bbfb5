// SPDX-License-Identifier: Apache-2.0
#include "collector/wireguard/message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/time_types.h>
#include <linux/wireguard.h>

typedef int attribute_reader(const struct nlattr *attribute, void *context);

/* Not mnl_attr_parse: it treats an invalid length as the end. */
static int attributes_read(const void *start, size_t size, attribute_reader *read, void *context)
{
	const char *at = start, *end = at + size;

	while (at < end) {
		const struct nlattr *attribute = (const struct nlattr *)at;
		int r = mnl_attr_ok(attribute, (int)(end - at)) ? read(attribute, context)
								: -EBADMSG;

		if (r)
			return r;
		at += MNL_ALIGN(attribute->nla_len);
	}
	return 0;
}

static int nested_read(const struct nlattr *attribute, attribute_reader *read, void *context)
{
	return attributes_read(mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute),
			       read, context);
}

/* Returns the payload; NULL if it has another size. */
static const void *payload(const struct nlattr *attribute, size_t size)
{
	return mnl_attr_get_payload_len(attribute) == size ? mnl_attr_get_payload(attribute) : NULL;
}

struct allowed {
	const void *family, *bits;
	const struct nlattr *address;
};

static int read_allowed_part(const struct nlattr *attribute, void *context)
{
	struct allowed *allowed = context;

	switch (mnl_attr_get_type(attribute)) {
	case WGALLOWEDIP_A_FAMILY: allowed->family = payload(attribute, sizeof(uint16_t)); break;
	case WGALLOWEDIP_A_IPADDR: allowed->address = attribute; break;
	case WGALLOWEDIP_A_CIDR_MASK: allowed->bits = payload(attribute, sizeof(uint8_t)); break;
	}
	return 0;
}

static int read_allowed(const struct nlattr *attribute, void *context)
{
	struct allowed allowed = {};
	const void *address;
	uint16_t family;
	int r = nested_read(attribute, read_allowed_part, &allowed);

	if (r)
		return r;
	if (!allowed.family || !allowed.address || !allowed.bits)
		return -EBADMSG;
	memcpy(&family, allowed.family, sizeof(family));
	address = payload(allowed.address,
			  family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr));
	if (!address)
		return -EBADMSG;
	return wireguard_allowed_add(context, family, address, *(const uint8_t *)allowed.bits);
}

static int read_endpoint(const struct nlattr *attribute, char *text)
{
	const struct sockaddr_in *v4 = payload(attribute, sizeof(*v4));
	const struct sockaddr_in6 *v6 = payload(attribute, sizeof(*v6));

	if (v4 && v4->sin_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, text, INET6_ADDRSTRLEN);
	else if (v6 && v6->sin6_family == AF_INET6)
		inet_ntop(AF_INET6, &v6->sin6_addr, text, INET6_ADDRSTRLEN);
	else
		return -EBADMSG;
	return 0;
}

static int read_handshake(const struct nlattr *attribute, struct wireguard_peer *peer)
{
	const void *from = payload(attribute, sizeof(struct __kernel_timespec));
	struct __kernel_timespec time;

	if (!from)
		return -EBADMSG;
	memcpy(&time, from, sizeof(time));
	if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec > 999999999)
		return -EBADMSG;
	peer->handshake_sec = time.tv_sec;
	peer->handshake_nsec = time.tv_nsec;
	return 0;
}

static int read_copy(const struct nlattr *attribute, void *to, size_t size)
{
	const void *from = payload(attribute, size);

	if (!from)
		return -EBADMSG;
	memcpy(to, from, size);
	return 0;
}

struct reading_peer {
	struct wireguard_device *device;
	struct wireguard_peer *peer; /* NULL: lost */
	bool begun;
};

static int begin_peer(struct reading_peer *reading, const struct nlattr *attribute)
{
	const uint8_t *key = payload(attribute, WIREGUARD_KEY_SIZE);

	if (!key || reading->begun)
		return -EBADMSG;
	reading->begun = true;
	return wireguard_peer_begin(reading->device, key, &reading->peer);
}

static int read_peer_attribute(const struct nlattr *attribute, void *context)
{
	struct reading_peer *reading = context;
	uint16_t type = mnl_attr_get_type(attribute);
	struct wireguard_peer *peer = reading->peer;

	if (type == WGPEER_A_PUBLIC_KEY)
		return begin_peer(reading, attribute);
	if (!reading->begun)
		return -EBADMSG; /* the kernel puts the key first */
	if (!peer)
		return 0;
	switch (type) {
	case WGPEER_A_ENDPOINT: return read_endpoint(attribute, peer->address);
	case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
		return read_copy(attribute, &peer->keepalive_sec, sizeof(peer->keepalive_sec));
	case WGPEER_A_LAST_HANDSHAKE_TIME: return read_handshake(attribute, peer);
	case WGPEER_A_RX_BYTES:
		return read_copy(attribute, &peer->receive_bytes, sizeof(peer->receive_bytes));
	case WGPEER_A_TX_BYTES:
		return read_copy(attribute, &peer->transmit_bytes, sizeof(peer->transmit_bytes));
	case WGPEER_A_ALLOWEDIPS: return nested_read(attribute, read_allowed, reading->device);
	}
	return 0; /* includes WGPEER_A_PRESHARED_KEY, which is not read */
}

static int read_peer(const struct nlattr *attribute, void *context)
{
	struct reading_peer reading = { .device = context };
	int r = nested_read(attribute, read_peer_attribute, &reading);

	return r ?: reading.begun ? r : -EBADMSG;
}

static int read_device_attribute(const struct nlattr *attribute, void *context)
{
	struct wireguard_device *device = context;

	switch (mnl_attr_get_type(attribute)) {
	case WGDEVICE_A_PEERS: return nested_read(attribute, read_peer, context);
	case WGDEVICE_A_LISTEN_PORT:
		return read_copy(attribute, &device->listen_port, sizeof(device->listen_port));
	}
	return 0; /* includes WGDEVICE_A_PRIVATE_KEY, which is not read */
}

int wireguard_message_parse(const struct nlmsghdr *message, struct wireguard_device *device)
{
	size_t size = mnl_nlmsg_get_payload_len(message);
	const struct genlmsghdr *header = mnl_nlmsg_get_payload(message);

	if (size < GENL_HDRLEN || header->cmd != WG_CMD_GET_DEVICE)
		return -EBADMSG;
	return attributes_read((const char *)header + GENL_HDRLEN, size - GENL_HDRLEN,
			       read_device_attribute, device);
}

static int read_family(const struct nlattr *attribute, void *context)
{
	if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID)
		return read_copy(attribute, context, sizeof(uint16_t));
	return 0;
}

uint16_t family_message_parse(const struct nlmsghdr *message)
{
	size_t size = mnl_nlmsg_get_payload_len(message);
	const char *header = mnl_nlmsg_get_payload(message);
	uint16_t family = 0;

	if (size < GENL_HDRLEN ||
	    attributes_read(header + GENL_HDRLEN, size - GENL_HDRLEN, read_family, &family))
		return 0;
	return family;
}
