/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer of a userspace device to "get=1" (wireguard.com/xplatform), as its bytes come. No
 * descriptor in here.
 */
#pragma once

#include "collector/wireguard/device.h"

#define UAPI_LINE_MAX 160	   /* of what is wanted: a public key and its name take 75 */
#define UAPI_ANSWER_MAX (8u << 20) /* bytes; more is no answer */

/*
 * The value of a line that is not wanted, such as a private key, is passed over and never copied.
 */
struct uapi_parser {
	struct wireguard_device *device;
	struct wireguard_peer *peer; /* NULL: none has begun, or it is lost */
	char line[UAPI_LINE_MAX];
	size_t length;
	size_t bytes;
	bool named;   /* the line's name and = are read */
	bool skip;    /* to the end of the line */
	bool peers;   /* a peer has begun */
	bool settled; /* errno= is read: the empty line may come */
	int error;    /* of the device, -errno */
};

/* Empties the device, too. */
void uapi_parser_init(struct uapi_parser *parser, struct wireguard_device *device);

/*
 * Reads what came. Returns 1 when the answer is complete (and the device finished), 0 when more is
 * wanted, -EBADMSG when it is no such answer, -EMSGSIZE, -ENOMEM, or the error that the device
 * answered with.
 */
int uapi_parse(struct uapi_parser *parser, const char *bytes, size_t count);
