/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of the kernel's WireGuard, over generic netlink. */
#pragma once

#include "collector/wireguard/device.h"

struct kernel_devices {
	int fd; /* of the network namespace that it was opened in; -1 */
	uint16_t family;
};

/*
 * Reads a device by its ifindex, opening what is needed the first time. Takes CAP_NET_ADMIN.
 * Returns 0 or -errno.
 */
int kernel_device_read(struct kernel_devices *devices, uint32_t ifindex,
		       struct wireguard_device *device);

/*
 * To be called before the calling thread leaves a network namespace that is not ours: an open
 * socket would keep it alive. The family's number is the same in all.
 */
void kernel_devices_leave(struct kernel_devices *devices);

void kernel_devices_close(struct kernel_devices *devices);
