/* SPDX-License-Identifier: Apache-2.0 */
/* SOCKS messages, from the client's side; no I/O. */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "kind.h"

enum { SOCKS_OUT_MAX = 1024 };

/* The destination of a request. */
struct place {
	const char *ipv4, *ipv6, *name, *name4, *name6;
	uint16_t port;
};

extern const struct place places[DEST_COUNT];

struct credentials {
	const char *user, *password; /* NULL: none */
};

/* The auth that the kind means at a proxy with these credentials: never AUTH_DEFAULT. */
enum auth auth_resolve(const struct kind *kind, const struct credentials *credentials);

/*
 * Each writes into out (SOCKS_OUT_MAX bytes) and returns the length. family is that of the client's
 * connection.
 */
size_t greeting_write(uint8_t *out, enum auth auth);
size_t login_write(uint8_t *out, enum auth auth, const struct credentials *credentials);
size_t request_write(uint8_t *out, const struct kind *kind, sa_family_t family);

/* The header of a relayed datagram to the destination of the kind. */
size_t datagram_write(uint8_t *out, const struct kind *kind);

struct reply {
	uint8_t code;		   /* SOCKS5 reply code; SOCKS4's 90 is 0, 92 and 93 are 0xf2 */
	struct sockaddr_in6 bound; /* family AF_UNSPEC for a name; IPv4 as struct sockaddr_in */
};

/* Returns the bytes used, 0 if more are needed, or -EPROTO if it is not a reply. */
int reply_read(struct reply *reply, const uint8_t *in, size_t length, enum proto proto);

enum outcome outcome_of_code(uint8_t code);
