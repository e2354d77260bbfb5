// SPDX-License-Identifier: Apache-2.0
#include "collector/discovery/netlink.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <linux/netlink.h>

#include "lib/cleanup.h"

#define SILENCE_MS 1000

int netlink_open(int protocol)
{
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0)
		return -errno;
	return TAKE_FD(fd);
}

ssize_t netlink_receive(int fd, void *buffer, size_t size)
{
	for (;;) {
		struct sockaddr_nl sender;
		struct iovec part = { .iov_base = buffer, .iov_len = size };
		struct msghdr message = { .msg_name = &sender,
					  .msg_namelen = sizeof(sender),
					  .msg_iov = &part,
					  .msg_iovlen = 1 };
		ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -errno;
		/*
		 * mnl_socket_recvfrom does not return the sender, and a privileged process can send
		 * to any port.
		 */
		if (message.msg_namelen != sizeof(sender) || sender.nl_pid != 0)
			continue;
		return message.msg_flags & MSG_TRUNC ? -ENOBUFS : length;
	}
}

static ssize_t receive_in_time(int fd, void *buffer, size_t size)
{
	for (;;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		ssize_t length = netlink_receive(fd, buffer, size);
		int count;

		if (length != -EAGAIN)
			return length;
		count = poll(&ready, 1, SILENCE_MS);
		if (count == 0)
			return -ETIMEDOUT;
		if (count < 0 && errno != EINTR)
			return -errno;
	}
}

int netlink_run(const void *datagram, size_t length, uint32_t sequence, mnl_cb_t callback,
		void *context)
{
	size_t whole = 0;

	/* mnl_nlmsg_ok reads lengths from 2^31 as negative, and so as fitting. */
	while (length - whole >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *message = (const void *)((const char *)datagram + whole);
		size_t size = message->nlmsg_len, left = length - whole;

		if (size < sizeof(*message) || size > left)
			break;
		whole += MNL_ALIGN(size) < left ? MNL_ALIGN(size) : left;
	}
	return mnl_cb_run(datagram, whole, sequence, 0, callback, context);
}

/* Cleared after use: an answer about a WireGuard device contains its private key. */
struct answer_buffer {
	char bytes[NETLINK_BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static void wipe(struct answer_buffer *buffer)
{
	explicit_bzero(buffer, sizeof(*buffer));
}

int netlink_ask(int fd, struct nlmsghdr *request, mnl_cb_t callback, void *context)
{
	static uint32_t last_sequence;
	uint32_t sequence = ++last_sequence;
	_cleanup_(wipe) struct answer_buffer buffer;

	request->nlmsg_flags |= NLM_F_REQUEST;
	request->nlmsg_seq = sequence;
	if (send(fd, request, request->nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t length = receive_in_time(fd, &buffer, sizeof(buffer));
		const struct nlmsghdr *first = (const struct nlmsghdr *)buffer.bytes;
		int status;

		if (length < 0)
			return (int)length;
		/* Skips the rest of an earlier conversation that timed out. */
		if (!mnl_nlmsg_ok(first, (int)length) || first->nlmsg_seq != sequence)
			continue;
		status = netlink_run(buffer.bytes, (size_t)length, sequence, callback, context);
		if (status < 0)
			return -errno;
		if (status == MNL_CB_STOP)
			return 0;
	}
}
