/* SPDX-License-Identifier: Apache-2.0 */
/* Shared netlink code: non-blocking sockets that accept messages of the kernel only. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <libmnl/libmnl.h>

#define NETLINK_BUFFER_SIZE 32768 /* maximum size of a dump datagram of the kernel */

/*
 * Opens a non-blocking, close-on-exec socket in the current network namespace. Returns it or
 * -errno.
 */
int netlink_open(int protocol);

/*
 * Reads one datagram of the kernel; drops datagrams of other senders. Returns its length, -EAGAIN
 * if nothing is pending, or -ENOBUFS if messages were lost (overrun or truncation).
 */
ssize_t netlink_receive(int fd, void *buffer, size_t size);

/*
 * Calls `callback` for each message of a datagram, up to the first that does not fit in it. Returns
 * the result of mnl_cb_run. `sequence` 0: any.
 */
int netlink_run(const void *datagram, size_t length, uint32_t sequence, mnl_cb_t callback,
		void *context);

/*
 * Sends a request and calls `callback` (mnl_cb_t; MNL_CB_OK continues) for each message of the
 * answer. Ends with the acknowledgement, the end of the dump, or -ETIMEDOUT after one second
 * without a message. Sets NLM_F_REQUEST and a sequence number; the caller sets NLM_F_ACK or
 * NLM_F_DUMP. Returns 0 or -errno, including errors of the kernel; -EINTR: a change interrupted the
 * dump, repeat it.
 */
int netlink_ask(int fd, struct nlmsghdr *request, mnl_cb_t callback, void *context);
