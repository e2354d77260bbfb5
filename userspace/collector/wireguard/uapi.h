/* SPDX-License-Identifier: Apache-2.0 */
/* Non-blocking requests to userspace devices (wireguard-go, boringtun) over their UAPI socket. */
#pragma once

#include "collector/wireguard/uapi_parse.h"

struct uapi {
	int fd; /* -1: no request; otherwise poll it for reading */
	struct uapi_parser parser;
};

/*
 * Requests the state of the device with this name. Searches its socket below the directory `root`
 * (O_PATH), never outside it, and does not follow a link to a socket. The device must outlive the
 * request. Returns 0 or -errno.
 */
int uapi_begin(struct uapi *uapi, int root, const char *interface, struct wireguard_device *device);

/*
 * Reads the available bytes. Returns 1 if the device is complete, -EAGAIN if more is expected, or
 * another -errno.
 */
int uapi_continue(struct uapi *uapi);

void uapi_end(struct uapi *uapi);

/*
 * Opens the file of the socket as uapi_begin does (O_PATH). Returns the descriptor or -errno;
 * -ENOTSOCK: not a socket.
 */
int uapi_socket_open(int root, const char *interface);
