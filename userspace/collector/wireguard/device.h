/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WireGuard device as it was read, from the kernel or from a userspace device alike. Private and
 * preshared keys have no place in it.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIREGUARD_KEY_SIZE 32
#define WIREGUARD_KEY_TEXT_SIZE 45 /* base64 with its NUL */
#define WIREGUARD_PEERS_MAX 1024   /* of one device; those beyond are lost, and counted */
/* bytes of one peer's list; a longer one ends in ",…", and is a loss */
#define WIREGUARD_ALLOWED_TEXT_MAX 4096

struct wireguard_peer {
	uint8_t public_key[WIREGUARD_KEY_SIZE];
	char address[INET6_ADDRSTRLEN]; /* of its endpoint, without the port; "": none is known */
	uint32_t allowed; /* offset of its list ("10.0.0.0/8,::/0") in the device's text */
	uint32_t allowed_length;
	bool allowed_cut;
	/* Of 2³²: how much of IPv4, and of what IPv6 has given out (2000::/3), its list holds. */
	uint64_t routes_ipv4, routes_ipv6;
	bool default_route; /* more than half of either: /0, two halves, or all but some holes */
	uint64_t receive_bytes;
	uint64_t transmit_bytes;
	uint64_t handshake_sec; /* CLOCK_REALTIME; with nsec 0: never */
	uint32_t handshake_nsec;
	uint16_t keepalive_sec; /* 0: off */
};

/* Its memory is kept between readings, and bounded. Zero-initialise. */
struct wireguard_device {
	struct wireguard_peer *peers; /* after wireguard_device_finish: by public key */
	uint32_t count, max;
	char *text;
	uint32_t text_length, text_max;
	uint8_t last_key[WIREGUARD_KEY_SIZE]; /* of the peer that began last, be it in the list or
						 lost */
	bool any;			      /* a peer began */
	bool lost_last;			      /* and it is lost */
	uint64_t lost;			      /* peers and ends of lists that found no place */
	uint16_t listen_port;		      /* 0: not known */
};

/* Empties it; the memory is kept. */
void wireguard_device_reset(struct wireguard_device *device);
void wireguard_device_free(struct wireguard_device *device);

/*
 * A peer begins: what follows is its own. The key of the last one again: it goes on. *peer is NULL
 * when there is no place for it. Returns 0 or -ENOMEM.
 */
int wireguard_peer_begin(struct wireguard_device *device, const uint8_t *key,
			 struct wireguard_peer **peer);

/*
 * Appends to the list of the peer that began last. Returns 0, -EBADMSG (no such prefix) or -ENOMEM.
 */
int wireguard_allowed_add(struct wireguard_device *device, int family, const void *address,
			  unsigned int bits);

/* When all is read: sorts. Returns 0, or -EBADMSG when a key is there twice. */
int wireguard_device_finish(struct wireguard_device *device);

const char *wireguard_allowed(const struct wireguard_device *device,
			      const struct wireguard_peer *peer);

/* Writes a key as `wg` prints it. */
void wireguard_key_text(const uint8_t *key, char text[WIREGUARD_KEY_TEXT_SIZE]);
