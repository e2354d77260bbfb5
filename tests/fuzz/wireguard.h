/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a WireGuard device after reading, from any source. */
#pragma once

#include "fuzz.h"

#include <arpa/inet.h>

#include "collector/wireguard/device.h"

static inline void check_address(const char *address)
{
	uint8_t bytes[16];

	CHECK(memchr(address, '\0', INET6_ADDRSTRLEN));
	CHECK(!*address || inet_pton(AF_INET, address, bytes) == 1 ||
		      inet_pton(AF_INET6, address, bytes) == 1,
	      "%s", address);
}

static inline void check_device(const struct wireguard_device *d)
{
	CHECK(d->count <= WIREGUARD_PEERS_MAX && d->count <= d->max &&
	      d->text_length <= d->text_max);
	for (uint32_t i = 0; i < d->count; i++) {
		const struct wireguard_peer *p = &d->peers[i];
		char key[WIREGUARD_KEY_TEXT_SIZE];
		const char *allowed = wireguard_allowed(d, p);

		check_address(p->address);
		CHECK(p->handshake_sec <= INT64_MAX && p->handshake_nsec <= 999999999);
		CHECK(strlen(allowed) <= p->allowed_length &&
			      p->allowed_length <= WIREGUARD_ALLOWED_TEXT_MAX + 8,
		      "%u", p->allowed_length);
		CHECK(strspn(allowed, "0123456789abcdef.:/,\xe2\x80\xa6") == strlen(allowed), "%s",
		      allowed);
		wireguard_key_text(p->public_key, key);
		CHECK(strlen(key) == WIREGUARD_KEY_TEXT_SIZE - 1 && key[43] == '=');
		CHECK(!i || memcmp(p[-1].public_key, p->public_key, WIREGUARD_KEY_SIZE) < 0,
		      "not sorted, or twice");
	}
}
