/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of WireGuard in the kernel, over generic netlink. */
#pragma once

#include "collector/wireguard/device.h"

struct kernel_devices {
	int fd; /* belongs to the network namespace in which it was opened; -1 */
	uint16_t family;
};

/*
 * Reads a device by its ifindex; opens the socket on first use. Needs CAP_NET_ADMIN. Returns 0 or
 * -errno.
 */
int kernel_device_read(struct kernel_devices *devices, uint32_t ifindex,
		       struct wireguard_device *device);

/*
 * Call before the thread leaves a network namespace that is not ours: an open socket would keep it
 * alive. The number of the netlink family is the same in all namespaces.
 */
void kernel_devices_leave(struct kernel_devices *devices);

void kernel_devices_close(struct kernel_devices *devices);
