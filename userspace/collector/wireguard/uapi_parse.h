/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses the answer of a userspace device to "get=1" (wireguard.com/xplatform) in pieces. Uses no
 * descriptor.
 */
#pragma once

#include "collector/wireguard/device.h"

#define UAPI_LINE_MAX 160 /* limit of a used line; a public key with its name has 75 bytes */
#define UAPI_ANSWER_MAX (8u << 20) /* limit of an answer, in bytes */

/* Values of unused lines, such as private keys, are skipped and never copied. */
struct uapi_parser {
	struct wireguard_device *device;
	struct wireguard_peer *peer; /* NULL: before the first peer, or the peer is lost */
	char line[UAPI_LINE_MAX];
	size_t length;
	size_t bytes;
	bool named;   /* the name and = of the line are complete */
	bool skip;    /* skip to the end of the line */
	bool peers;   /* a peer has started */
	bool settled; /* errno= was read: the next line must be empty */
	int error;    /* -errno of the device */
};

/* Also clears the device. */
void uapi_parser_init(struct uapi_parser *parser, struct wireguard_device *device);

/*
 * Parses the next bytes. Returns 1 if the answer is complete (the device is then finished), 0 if
 * more is expected, or -errno. -EBADMSG: invalid answer. -EMSGSIZE: too long. -ENOMEM. Others: the
 * error in the answer.
 */
int uapi_parse(struct uapi_parser *parser, const char *bytes, size_t count);
