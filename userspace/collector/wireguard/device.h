/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a WireGuard device, read from the kernel or from a userspace device. It has no room
 * for private and preshared keys.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIREGUARD_KEY_SIZE 32
#define WIREGUARD_KEY_TEXT_SIZE 45 /* base64 with NUL */
#define WIREGUARD_PEERS_MAX 1024   /* of one device; further ones are lost and counted */
/* limit of the list of one peer, in bytes; a longer list ends in ",…" and counts as lost */
#define WIREGUARD_ALLOWED_TEXT_MAX 4096

struct wireguard_peer {
	uint8_t public_key[WIREGUARD_KEY_SIZE];
	char address[INET6_ADDRSTRLEN]; /* of its endpoint, without the port; "": not known */
	uint32_t allowed; /* offset of its list ("10.0.0.0/8,::/0") in the text of the device */
	uint32_t allowed_length;
	bool allowed_cut;
	/* Covered part of IPv4, and of the assigned IPv6 addresses (2000::/3), in units of 2⁻³². */
	uint64_t routes_ipv4, routes_ipv6;
	/* More than half of either: /0, two halves, or all but some exceptions */
	bool default_route;
	uint64_t receive_bytes;
	uint64_t transmit_bytes;
	uint64_t handshake_sec; /* CLOCK_REALTIME; 0 with nsec 0: never */
	uint32_t handshake_nsec;
	uint16_t keepalive_sec; /* 0: off */
};

/* Its memory is bounded and reused for the next reading. Zero-initialise. */
struct wireguard_device {
	struct wireguard_peer *peers; /* after wireguard_device_finish: sorted by public key */
	uint32_t count, max;
	char *text;
	uint32_t text_length, text_max;
	uint8_t last_key[WIREGUARD_KEY_SIZE]; /* key of the last peer, stored or lost */
	bool any;			      /* there is a last peer */
	bool lost_last;			      /* the last peer is lost */
	uint64_t lost;			      /* lost peers and truncated lists */
	uint16_t listen_port;		      /* 0: not known */
};

/* Clears the device; keeps its memory. */
void wireguard_device_reset(struct wireguard_device *device);
void wireguard_device_free(struct wireguard_device *device);

/*
 * Starts a peer; the following data belongs to it. If the key equals that of the last peer,
 * continues that peer. *peer is NULL if there is no room. Returns 0 or -ENOMEM.
 */
int wireguard_peer_begin(struct wireguard_device *device, const uint8_t *key,
			 struct wireguard_peer **peer);

/* Appends to the list of the last peer. Returns 0, -EBADMSG (invalid prefix) or -ENOMEM. */
int wireguard_allowed_add(struct wireguard_device *device, int family, const void *address,
			  unsigned int bits);

/* Call at the end: sorts the peers. Returns 0, or -EBADMSG if a key occurs twice. */
int wireguard_device_finish(struct wireguard_device *device);

const char *wireguard_allowed(const struct wireguard_device *device,
			      const struct wireguard_peer *peer);

/* Writes a key in the format of `wg`. */
void wireguard_key_text(const uint8_t *key, char text[WIREGUARD_KEY_TEXT_SIZE]);
