/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses DNS messages (RFC 1035, section 4) to learn the names of addresses. The content is
 * untrusted.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>

#define DNS_NAME_SIZE 256 /* as text with NUL; longer names are not accepted */

struct dns_question {
	uint16_t id;
	uint16_t type;
	/* Lower case, without the last dot; bytes other than a-z 0-9 - _ as \DDD */
	char name[DNS_NAME_SIZE];
};

/*
 * Reads the question of a query or a response. Returns the offset after it, or -EBADMSG: not a
 * standard query with one question, or a name that cannot be shown.
 */
int dns_question_read(const uint8_t *message, size_t size, struct dns_question *question);

/*
 * Calls the callback for each address (A and AAAA, also behind a CNAME) of a response without
 * error, in the format of struct destination_count. Returns the number of addresses, or -EBADMSG if
 * the message is not such a response. Reads a truncated message up to its end.
 */
typedef void dns_address(void *context, const __u64 address[2]);
int dns_answer_read(const uint8_t *message, size_t size, struct dns_question *question,
		    dns_address *found, void *context);
