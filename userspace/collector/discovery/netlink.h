/* SPDX-License-Identifier: Apache-2.0 */
/* What our netlink conversations share: non-blocking sockets that believe the kernel alone. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <libmnl/libmnl.h>

#define NETLINK_BUFFER_SIZE 32768 /* the kernel fills a dump's datagram up to this */

/*
 * Opens a close-on-exec, non-blocking socket of the current network namespace. Returns it or
 * -errno.
 */
int netlink_open(int protocol);

/*
 * Reads one datagram of the kernel; those of other senders are thrown away unread.
 * Returns its length, -EAGAIN when nothing is pending, -ENOBUFS when messages were lost (overrun or
 * truncation).
 */
ssize_t netlink_receive(int fd, void *buffer, size_t size);

/*
 * Hands the messages of a datagram to `callback`, up to one that does not fit in it. Returns what
 * mnl_cb_run returns. `sequence` 0: any.
 */
int netlink_run(const void *datagram, size_t length, uint32_t sequence, mnl_cb_t callback,
		void *context);

/*
 * Sends a request and hands each message of the answer to `callback` (mnl_cb_t: MNL_CB_OK to go
 * on), until the acknowledgement, the end of the dump, or one second of silence (-ETIMEDOUT). Sets
 * NLM_F_REQUEST and a sequence number; the caller sets NLM_F_ACK or NLM_F_DUMP. Returns 0 or
 * -errno, the kernel's own where it refuses; -EINTR: the dump was torn, ask again.
 */
int netlink_ask(int fd, struct nlmsghdr *request, mnl_cb_t callback, void *context);
