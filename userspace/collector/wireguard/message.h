/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses the answer of the kernel to WG_CMD_GET_DEVICE (linux/wireguard.h), message by message.
 * Uses no descriptor.
 */
#pragma once

#include "collector/wireguard/device.h"

struct nlmsghdr;

/*
 * Adds the content of a message. A dump can have several messages, and a peer with a long list
 * continues in the next one. Call wireguard_device_reset before the first message and
 * wireguard_device_finish after the last. Returns 0, -EBADMSG or -ENOMEM.
 */
int wireguard_message_parse(const struct nlmsghdr *message, struct wireguard_device *device);

/*
 * Returns the number of a generic netlink family from the answer of the kernel to
 * CTRL_CMD_GETFAMILY; 0: not in the message.
 */
uint16_t family_message_parse(const struct nlmsghdr *message);
