/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Userspace devices (wireguard-go, boringtun), over their UAPI socket: a conversation that never
 * waits.
 */
#pragma once

#include "collector/wireguard/uapi_parse.h"

struct uapi {
	int fd; /* -1: no conversation; else poll it for reading */
	struct uapi_parser parser;
};

/*
 * Asks the device of this name, whose socket is looked for under the directory `root` (O_PATH) and
 * never out of it, and is a socket itself, not a link to one. The device has to live as long as the
 * conversation. Returns 0 or -errno.
 */
int uapi_begin(struct uapi *uapi, int root, const char *interface, struct wireguard_device *device);

/*
 * Reads what there is. Returns 1 when the device is read, -EAGAIN when more is to come, or another
 * -errno.
 */
int uapi_continue(struct uapi *uapi);

void uapi_end(struct uapi *uapi);

/*
 * Opens the socket's file as uapi_begin does (O_PATH). Returns the descriptor or -errno: -ENOTSOCK
 * when it is none.
 */
int uapi_socket_open(int root, const char *interface);
