// SPDX-License-Identifier: Apache-2.0
#include "collector/wireguard/device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUT ",…"
#define WHOLE (1ULL << 32) /* of an address space */

void wireguard_device_reset(struct wireguard_device *device)
{
	device->count = 0;
	device->text_length = 0;
	device->any = false;
	device->lost_last = false;
	device->lost = 0;
	device->listen_port = 0;
}

void wireguard_device_free(struct wireguard_device *device)
{
	free(device->peers);
	free(device->text);
	*device = (struct wireguard_device){};
}

static int text_reserve(struct wireguard_device *device, uint32_t more)
{
	uint32_t wanted = device->text_max ?: 256;
	char *text;

	while (wanted < device->text_length + more)
		wanted *= 2; /* at most WIREGUARD_PEERS_MAX lists */
	if (wanted == device->text_max)
		return 0;
	text = realloc(device->text, wanted);
	if (!text)
		return -ENOMEM;
	device->text = text;
	device->text_max = wanted;
	return 0;
}

static int peers_reserve(struct wireguard_device *device)
{
	uint32_t wanted = device->max ? device->max * 2 : 4;
	struct wireguard_peer *peers;

	if (device->count < device->max)
		return 0;
	peers = reallocarray(device->peers, wanted, sizeof(*peers));
	if (!peers)
		return -ENOMEM;
	device->peers = peers;
	device->max = wanted;
	return 0;
}

int wireguard_peer_begin(struct wireguard_device *device, const uint8_t *key,
			 struct wireguard_peer **peer)
{
	bool same = device->any && !memcmp(key, device->last_key, WIREGUARD_KEY_SIZE);
	int r;

	*peer = NULL;
	if (!same) {
		device->any = true;
		memcpy(device->last_key, key, WIREGUARD_KEY_SIZE);
		device->lost_last = device->count == WIREGUARD_PEERS_MAX;
		device->lost += device->lost_last;
	}
	if (device->lost_last)
		return 0;
	if (!same) {
		r = peers_reserve(device);
		r = r ?: text_reserve(device, 1);
		if (r)
			return r;
		device->peers[device->count] =
			(struct wireguard_peer){ .allowed = device->text_length };
		memcpy(device->peers[device->count].public_key, key, WIREGUARD_KEY_SIZE);
		device->text[device->text_length++] = '\0';
		device->count++;
	}
	*peer = &device->peers[device->count - 1];
	return 0;
}

/* The list is the last in the text: moves its NUL. */
static void text_append(struct wireguard_device *device, struct wireguard_peer *peer,
			const char *text, size_t length)
{
	memcpy(device->text + device->text_length - 1, text, length);
	device->text_length += length;
	device->text[device->text_length - 1] = '\0';
	peer->allowed_length += length;
}

/* Returns the first bits of an address as a number. */
static uint32_t first_bits(const uint8_t *address, unsigned int bits)
{
	return bits ? address[0] >> (8 - bits) : 0;
}

/*
 * Treats /0 (wg-quick), two halves (which keep another default route), and all but some exceptions
 * alike.
 */
static void routes_add(struct wireguard_peer *peer, int family, const uint8_t *address,
		       unsigned int bits)
{
	static const uint8_t global[] = { 0x20 };
	unsigned int common = bits < 3 ? bits : 3;

	if (family == AF_INET)
		peer->routes_ipv4 += WHOLE >> bits;
	else if (first_bits(address, common) == first_bits(global, common) && bits - common <= 32)
		peer->routes_ipv6 += WHOLE >> (bits - common);
	peer->default_route = peer->routes_ipv4 > WHOLE / 2 || peer->routes_ipv6 > WHOLE / 2;
}

int wireguard_allowed_add(struct wireguard_device *device, int family, const void *address,
			  unsigned int bits)
{
	char host[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 8];
	struct wireguard_peer *peer;
	int length, r;

	if ((family != AF_INET && family != AF_INET6) || bits > (family == AF_INET ? 32u : 128u) ||
	    !inet_ntop(family, address, host, sizeof(host)))
		return -EBADMSG;
	if (device->lost_last || !device->count)
		return 0;
	peer = &device->peers[device->count - 1];
	routes_add(peer, family, address, bits);
	if (peer->allowed_cut)
		return 0;
	length = snprintf(text, sizeof(text), "%s%s/%u", peer->allowed_length ? "," : "", host,
			  bits);
	r = text_reserve(device, sizeof(text));
	if (r)
		return r;
	if (peer->allowed_length + length + strlen(CUT) > WIREGUARD_ALLOWED_TEXT_MAX) {
		peer->allowed_cut = true;
		device->lost++;
		text_append(device, peer, CUT, strlen(CUT));
	} else {
		text_append(device, peer, text, length);
	}
	return 0;
}

static int by_key(const void *a, const void *b)
{
	return memcmp(((const struct wireguard_peer *)a)->public_key,
		      ((const struct wireguard_peer *)b)->public_key, WIREGUARD_KEY_SIZE);
}

int wireguard_device_finish(struct wireguard_device *device)
{
	if (device->count)
		qsort(device->peers, device->count, sizeof(*device->peers), by_key);
	for (uint32_t i = 1; i < device->count; i++) {
		if (!by_key(&device->peers[i - 1], &device->peers[i]))
			return -EBADMSG;
	}
	return 0;
}

const char *wireguard_allowed(const struct wireguard_device *device,
			      const struct wireguard_peer *peer)
{
	return device->text + peer->allowed;
}

void wireguard_key_text(const uint8_t *key, char text[WIREGUARD_KEY_TEXT_SIZE])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *to = text;

	for (int i = 0; i < WIREGUARD_KEY_SIZE; i += 3) {
		uint32_t last = i + 2 < WIREGUARD_KEY_SIZE ? key[i + 2] : 0;
		uint32_t three = (uint32_t)key[i] << 16 | (uint32_t)key[i + 1] << 8 | last;

		for (int shift = 18; shift >= 0; shift -= 6)
			*to++ = digits[three >> shift & 63];
	}
	to[-1] = '='; /* the last group has two bytes of the 32 */
	*to = '\0';
}
