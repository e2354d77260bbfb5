// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/collector/wireguard/message.c: a dump of a device over generic netlink, and the answer
 * to which family it is.
 */
#include "netlink.h"
#include "wireguard.h"

#include <errno.h>

#include "collector/wireguard/message.h"

static struct wireguard_device device;
static int status;

static int each(const struct nlmsghdr *message, void *context)
{
	family_message_parse(message);
	if (!status)
		status = wireguard_message_parse(message, &device);
	CHECK(status == 0 || status == -EBADMSG || status == -ENOMEM, "%d", status);
	return MNL_CB_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	wireguard_device_reset(&device);
	status = 0;
	netlink_feed(data, size, each);
	if (!status)
		status = wireguard_device_finish(&device);
	if (!status)
		check_device(&device);
	wireguard_device_free(&device);
	return 0;
}
