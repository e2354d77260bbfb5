/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's answer to WG_CMD_GET_DEVICE (linux/wireguard.h), message by message. No descriptor
 * in here.
 */
#pragma once

#include "collector/wireguard/device.h"

struct nlmsghdr;

/*
 * Adds what the message holds: a dump may take several, and a peer whose list did not fit into one
 * goes on in the next. Reset the device before the first, finish it after the last. Returns 0,
 * -EBADMSG or -ENOMEM.
 */
int wireguard_message_parse(const struct nlmsghdr *message, struct wireguard_device *device);

/*
 * The number of a generic netlink family, of the kernel's answer to CTRL_CMD_GETFAMILY; 0: it is
 * not there.
 */
uint16_t family_message_parse(const struct nlmsghdr *message);
