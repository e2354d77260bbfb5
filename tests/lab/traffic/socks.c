// SPDX-License-Identifier: Apache-2.0
#include "socks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "defaults.h"

const struct place places[DEST_COUNT] = {
	[DEST_TARGET] = { TARGET4, TARGET6, "target.lab", "target4.lab", "target6.lab",
			  TARGET_PORT },
	[DEST_CLOSED] = { TARGET4, TARGET6, "target.lab", "target4.lab", "target6.lab",
			  CLOSED_PORT },
	[DEST_BLOCKED] = { BLOCKED4, BLOCKED6, "blocked.lab", "blocked4.lab", "blocked6.lab",
			   TARGET_PORT },
	[DEST_UNRESOLVED] = { TARGET4, TARGET6, "nowhere.lab", "nowhere4.lab", "nowhere6.lab",
			      TARGET_PORT },
	[DEST_SWALLOW] = { SWALLOW4, SWALLOW6, "swallow.lab", "swallow4.lab", "swallow6.lab",
			   TARGET_PORT },
	[DEST_HOST_UNREACHABLE] = { HOST_UNREACHABLE4, HOST_UNREACHABLE6, "hostunreach.lab",
				    "hostunreach4.lab", "hostunreach6.lab", TARGET_PORT },
	[DEST_NET_UNREACHABLE] = { NET_UNREACHABLE4, NET_UNREACHABLE6, "netunreach.lab",
				   "netunreach4.lab", "netunreach6.lab", TARGET_PORT },
};

static size_t append(uint8_t *out, size_t length, const void *data, size_t size)
{
	memcpy(out + length, data, size);
	return length + size;
}

enum auth auth_resolve(const struct kind *kind, const struct credentials *credentials)
{
	if (kind->auth == AUTH_DEFAULT)
		return credentials->user ? AUTH_GOOD : AUTH_NONE;
	return kind->auth;
}

size_t greeting_write(uint8_t *out, enum auth auth)
{
	uint8_t method = auth == AUTH_NONE ? 0 : auth == AUTH_UNACCEPTABLE ? 0x80 : 2;

	return append(out, 0, (uint8_t[]){ 5, 1, method }, 3);
}

size_t login_write(uint8_t *out, enum auth auth, const struct credentials *credentials)
{
	const char *user = credentials->user ?: "nobody";
	const char *password = auth == AUTH_BAD ? "wrong" : credentials->password ?: "";
	size_t length;

	if (auth == AUTH_EMPTY)
		user = password = "";
	length = append(out, 0, (uint8_t[]){ 1, strlen(user) }, 2);
	length = append(out, length, user, strlen(user));
	out[length++] = strlen(password);
	return append(out, length, password, strlen(password));
}

static const char *place_name(const struct kind *kind, const struct place *place)
{
	if (kind->addressing == BY_NAME4)
		return place->name4;
	return kind->addressing == BY_NAME6 ? place->name6 : place->name;
}

static uint16_t place_port(const struct kind *kind)
{
	return kind->banner ? BANNER_PORT : places[kind->dest].port;
}

/* ATYP, address, port */
static size_t address_write(uint8_t *out, const struct kind *kind)
{
	const struct place *place = &places[kind->dest];
	uint16_t port = htons(place_port(kind));
	const char *name;
	size_t length = 0;

	switch (kind->addressing) {
	case BY_IPV4:
	case BY_UNKNOWN_TYPE:
		out[length++] = kind->addressing == BY_IPV4 ? 1 : 9;
		inet_pton(AF_INET, place->ipv4, out + length);
		length += 4;
		break;
	case BY_IPV6:
		out[length++] = 4;
		inet_pton(AF_INET6, place->ipv6, out + length);
		length += 16;
		break;
	case BY_NAME:
	case BY_NAME4:
	case BY_NAME6:
		name = place_name(kind, place);
		out[length++] = 3;
		out[length++] = strlen(name);
		length = append(out, length, name, strlen(name));
		break;
	}
	return append(out, length, &port, 2);
}

static size_t request_write_v4(uint8_t *out, const struct kind *kind)
{
	const struct place *place = &places[kind->dest];
	uint16_t port = htons(place_port(kind));
	const char *name = place_name(kind, place);
	size_t length = append(out, 0, (uint8_t[]){ 4, kind->command }, 2);

	length = append(out, length, &port, 2);
	if (kind->proto == PROTO_SOCKS4A)
		memcpy(out + length, "\0\0\0\1", 4);
	else
		inet_pton(AF_INET, place->ipv4, out + length);
	length = append(out, length + 4, "someone", 8);
	return kind->proto == PROTO_SOCKS4A ? append(out, length, name, strlen(name) + 1) : length;
}

size_t request_write(uint8_t *out, const struct kind *kind, sa_family_t family)
{
	size_t length;

	if (kind->proto != PROTO_SOCKS5)
		return request_write_v4(out, kind);
	length = append(out, 0, (uint8_t[]){ 5, kind->command, 0 }, 3);
	if (kind->command == COMMAND_UDP) { /* where from is not known yet */
		size_t zeros = family == AF_INET ? 6 : 18;

		out[length] = family == AF_INET ? 1 : 4;
		memset(out + length + 1, 0, zeros);
		return length + 1 + zeros;
	}
	return length + address_write(out + length, kind);
}

size_t datagram_write(uint8_t *out, const struct kind *kind)
{
	return 3 + address_write((uint8_t *)memset(out, 0, 3) + 3, kind);
}

static int reply_read_v4(struct reply *reply, const uint8_t *in, size_t length)
{
	struct sockaddr_in *bound = (struct sockaddr_in *)&reply->bound;

	if (length && in[0] != 0)
		return -EPROTO;
	if (length < 8)
		return 0;
	reply->code = in[1] == 90 ? 0 : in[1] == 91 ? 1 : 0xf2;
	bound->sin_family = AF_INET;
	memcpy(&bound->sin_port, in + 2, 2);
	memcpy(&bound->sin_addr, in + 4, 4);
	return 8;
}

int reply_read(struct reply *reply, const uint8_t *in, size_t length, enum proto proto)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&reply->bound;
	size_t size;

	*reply = (struct reply){};
	if (proto != PROTO_SOCKS5)
		return reply_read_v4(reply, in, length);
	if (length && in[0] != 5)
		return -EPROTO;
	if (length < 5)
		return 0;
	size = in[3] == 1 ? 4 : in[3] == 4 ? 16 : in[3] == 3 ? 1 + in[4] : 0;
	if (!size)
		return -EPROTO;
	if (length < 6 + size)
		return 0;
	reply->code = in[1];
	if (in[3] == 1) {
		v4->sin_family = AF_INET;
		memcpy(&v4->sin_addr, in + 4, 4);
		memcpy(&v4->sin_port, in + 8, 2);
	} else if (in[3] == 4) {
		reply->bound.sin6_family = AF_INET6;
		memcpy(&reply->bound.sin6_addr, in + 4, 16);
		memcpy(&reply->bound.sin6_port, in + 20, 2);
	}
	return 6 + size;
}

enum outcome outcome_of_code(uint8_t code)
{
	if (code <= OUTCOME_ADDRESS_TYPE_NOT_SUPPORTED)
		return code;
	return code == 0xf2 ? OUTCOME_AUTH_FAILED : OUTCOME_OTHER;
}
