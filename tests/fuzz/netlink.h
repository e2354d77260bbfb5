/* SPDX-License-Identifier: Apache-2.0 */
/* A datagram of the kernel, read like in netlink.c: split into messages, each passed on. */
#pragma once

#include "fuzz.h"

#include "collector/discovery/netlink.h"

static inline void netlink_feed(const uint8_t *data, size_t size, mnl_cb_t each)
{
	void *datagram = fuzz_copy(data, size);

	netlink_run(datagram, size, 0, each, NULL);
	free(datagram);
}
