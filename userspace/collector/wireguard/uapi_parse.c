// SPDX-License-Identifier: Apache-2.0
#include "collector/wireguard/uapi_parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void uapi_parser_init(struct uapi_parser *parser, struct wireguard_device *device)
{
	wireguard_device_reset(device);
	*parser = (struct uapi_parser){ .device = device };
}

static int parse_number(const char *text, uint64_t max, uint64_t *number)
{
	uint64_t n = 0;

	if (!*text)
		return -EBADMSG;
	for (; *text; text++) {
		unsigned int digit = (unsigned int)*text - '0';

		if (digit > 9 || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, digit, &n))
			return -EBADMSG;
	}
	*number = n;
	return n > max ? -EBADMSG : 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_public_key(struct uapi_parser *parser, const char *value)
{
	uint8_t key[WIREGUARD_KEY_SIZE];

	if (strlen(value) != 2 * sizeof(key))
		return -EBADMSG;
	for (size_t i = 0; i < sizeof(key); i++) {
		int high = hex_digit(value[2 * i]), low = hex_digit(value[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EBADMSG;
		key[i] = high << 4 | low;
	}
	parser->peers = true;
	return wireguard_peer_begin(parser->device, key, &parser->peer);
}

/* "192.0.2.1:51820", "[fe80::1%eth0]:51820": reads the address. */
static int read_endpoint(struct uapi_parser *parser, char *value)
{
	char *colon = strrchr(value, ':'), *zone;
	bool bracketed = *value == '[';
	uint8_t address[16];
	uint64_t port;

	if (!colon || parse_number(colon + 1, 65535, &port))
		return -EBADMSG;
	*colon = '\0';
	if (bracketed) {
		if (colon == value || colon[-1] != ']')
			return -EBADMSG;
		colon[-1] = '\0';
		value++;
		zone = strchr(value, '%');
		if (zone)
			*zone = '\0';
	}
	if (inet_pton(bracketed ? AF_INET6 : AF_INET, value, address) != 1)
		return -EBADMSG;
	if (parser->peer)
		inet_ntop(bracketed ? AF_INET6 : AF_INET, address, parser->peer->address,
			  INET6_ADDRSTRLEN);
	return 0;
}

static int read_allowed_ip(struct uapi_parser *parser, char *value)
{
	int family = strchr(value, ':') ? AF_INET6 : AF_INET;
	char *slash = strchr(value, '/');
	uint8_t address[16];
	uint64_t bits;

	if (!slash || parse_number(slash + 1, 128, &bits))
		return -EBADMSG;
	*slash = '\0';
	if (inet_pton(family, value, address) != 1)
		return -EBADMSG;
	return wireguard_allowed_add(parser->device, family, address, bits);
}

enum number {
	RECEIVE_BYTES,
	TRANSMIT_BYTES,
	HANDSHAKE_SEC,
	HANDSHAKE_NSEC,
	KEEPALIVE,
	LISTEN_PORT
};

static int read_number(struct uapi_parser *parser, enum number which, const char *value)
{
	static const uint64_t limits[] = {
		[RECEIVE_BYTES] = UINT64_MAX, [TRANSMIT_BYTES] = UINT64_MAX,
		[HANDSHAKE_SEC] = INT64_MAX,  [HANDSHAKE_NSEC] = 999999999,
		[KEEPALIVE] = 65535,	      [LISTEN_PORT] = 65535
	};
	struct wireguard_peer *peer = parser->peer;
	uint64_t n;
	int r = parse_number(value, limits[which], &n);

	if (!r && which == LISTEN_PORT)
		parser->device->listen_port = n;
	if (r || !peer)
		return r;
	switch (which) {
	case RECEIVE_BYTES: peer->receive_bytes = n; break;
	case TRANSMIT_BYTES: peer->transmit_bytes = n; break;
	case HANDSHAKE_SEC: peer->handshake_sec = n; break;
	case HANDSHAKE_NSEC: peer->handshake_nsec = n; break;
	case KEEPALIVE: peer->keepalive_sec = n; break;
	case LISTEN_PORT: break; /* listen_port of the device */
	}
	return 0;
}

enum name {
	NAME_RECEIVE_BYTES = RECEIVE_BYTES,
	NAME_TRANSMIT_BYTES = TRANSMIT_BYTES,
	NAME_HANDSHAKE_SEC = HANDSHAKE_SEC,
	NAME_HANDSHAKE_NSEC = HANDSHAKE_NSEC,
	NAME_KEEPALIVE = KEEPALIVE,
	NAME_LISTEN_PORT = LISTEN_PORT,
	NAME_ENDPOINT,
	NAME_ALLOWED_IP,
	NAME_PUBLIC_KEY,
	NAME_ERRNO,
	NAME_MAX
};

static const char *const names[NAME_MAX] = {
	[NAME_RECEIVE_BYTES] = "rx_bytes",
	[NAME_TRANSMIT_BYTES] = "tx_bytes",
	[NAME_HANDSHAKE_SEC] = "last_handshake_time_sec",
	[NAME_HANDSHAKE_NSEC] = "last_handshake_time_nsec",
	[NAME_KEEPALIVE] = "persistent_keepalive_interval",
	[NAME_LISTEN_PORT] = "listen_port",
	[NAME_ENDPOINT] = "endpoint",
	[NAME_ALLOWED_IP] = "allowed_ip",
	[NAME_PUBLIC_KEY] = "public_key",
	[NAME_ERRNO] = "errno",
};

static enum name name_of(const char *text, size_t length)
{
	enum name i = 0;

	while (i < NAME_MAX && (strlen(names[i]) != length || memcmp(names[i], text, length)))
		i++;
	return i;
}

static int read_errno(struct uapi_parser *parser, const char *value)
{
	uint64_t number;

	if (parse_number(*value == '-' ? value + 1 : value, 4095, &number))
		return -EBADMSG;
	parser->settled = true;
	parser->error = -(int)number;
	return 0;
}

static int read_line(struct uapi_parser *parser)
{
	char *value = memchr(parser->line, '=', parser->length);
	enum name name;

	parser->line[parser->length] = '\0';
	if (!value || parser->settled || strlen(parser->line) != parser->length)
		return -EBADMSG;
	name = name_of(parser->line, value - parser->line);
	value++;
	if (name == NAME_PUBLIC_KEY)
		return read_public_key(parser, value);
	if (name == NAME_ERRNO)
		return read_errno(parser, value);
	if (!parser->peers && name != NAME_LISTEN_PORT)
		return -EBADMSG;
	if (name == NAME_ENDPOINT)
		return read_endpoint(parser, value);
	if (name == NAME_ALLOWED_IP)
		return read_allowed_ip(parser, value);
	return read_number(parser, (enum number)name, value);
}

static int line_end(struct uapi_parser *parser)
{
	bool empty = !parser->length, skipped = parser->skip;
	int r;

	if (empty && !parser->settled)
		return -EBADMSG;
	if (empty)
		return parser->error ?: wireguard_device_finish(parser->device) ?: 1;
	r = skipped ? 0 : read_line(parser);
	parser->length = 0;
	parser->named = parser->skip = false;
	return r;
}

int uapi_parse(struct uapi_parser *parser, const char *bytes, size_t count)
{
	parser->bytes += count;
	if (parser->bytes > UAPI_ANSWER_MAX)
		return -EMSGSIZE;
	for (size_t i = 0; i < count; i++) {
		int r = 0;

		if (bytes[i] == '\n') {
			r = line_end(parser);
		} else if (!parser->skip) {
			if (parser->length == UAPI_LINE_MAX - 1)
				return -EBADMSG;
			parser->line[parser->length++] = bytes[i];
			if (bytes[i] == '=' && !parser->named) {
				parser->named = true;
				parser->skip =
					name_of(parser->line, parser->length - 1) == NAME_MAX;
			}
		}
		if (r)
			return r;
	}
	return 0;
}
