// SPDX-License-Identifier: Apache-2.0
#include "collector/wireguard/kernel_device.h"

#include <errno.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>

#include "collector/discovery/netlink.h"
#include "collector/wireguard/message.h"
#include "lib/cleanup.h"

#define DUMP_ATTEMPTS 4
#define REQUEST_SIZE 256

struct device_answer {
	struct wireguard_device *device;
	int error;
};

static struct nlmsghdr *request_put(void *buffer, uint16_t family, uint8_t command, uint8_t version,
				    uint16_t flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = family;
	request->nlmsg_flags = flags;
	header->cmd = command;
	header->version = version;
	return request;
}

static int on_family(const struct nlmsghdr *message, void *context)
{
	uint16_t family = family_message_parse(message);

	if (family)
		*(uint16_t *)context = family;
	return MNL_CB_OK;
}

static int family_find(struct kernel_devices *devices)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *request =
		request_put(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, NLM_F_ACK);
	int r;

	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	r = netlink_ask(devices->fd, request, on_family, &devices->family);
	return r ?: devices->family ? r : -ENOENT;
}

static int on_device(const struct nlmsghdr *message, void *context)
{
	struct device_answer *answer = context;

	if (!answer->error)
		answer->error = wireguard_message_parse(message, answer->device);
	/* Continue to the end of the dump, so that the next request does not read the rest */
	return MNL_CB_OK;
}

static int device_dump(struct kernel_devices *devices, uint32_t ifindex,
		       struct wireguard_device *device)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *request = request_put(buffer, devices->family, WG_CMD_GET_DEVICE,
					       WG_GENL_VERSION, NLM_F_DUMP);
	struct device_answer answer = { .device = device };
	int r;

	wireguard_device_reset(device);
	mnl_attr_put_u32(request, WGDEVICE_A_IFINDEX, ifindex);
	r = netlink_ask(devices->fd, request, on_device, &answer);
	return r ?: answer.error ?: wireguard_device_finish(device);
}

int kernel_device_read(struct kernel_devices *devices, uint32_t ifindex,
		       struct wireguard_device *device)
{
	int r = -EINTR;

	if (devices->fd < 0)
		devices->fd = netlink_open(NETLINK_GENERIC);
	if (devices->fd < 0)
		return devices->fd;
	if (!devices->family) {
		int missing = family_find(devices);

		if (missing)
			return missing;
	}
	/* A change interrupts a dump: repeat it. */
	for (int i = 0; i < DUMP_ATTEMPTS && r == -EINTR; i++)
		r = device_dump(devices, ifindex, device);
	if (r == -ENOENT || r == -EOPNOTSUPP)
		devices->family = 0; /* after a reload, the module can have another number */
	return r;
}

void kernel_devices_leave(struct kernel_devices *devices)
{
	close_descriptor(&devices->fd);
}

void kernel_devices_close(struct kernel_devices *devices)
{
	kernel_devices_leave(devices);
	*devices = (struct kernel_devices){ .fd = -1 };
}
