/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A DNS message (RFC 1035, section 4) as far as names of addresses go. What it says was written by
 * anybody.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>

#define DNS_NAME_SIZE 256 /* as text with its NUL; a name whose text is longer is not taken */

struct dns_question {
	uint16_t id;
	uint16_t type;
	char name[DNS_NAME_SIZE]; /* lower case, without the last dot; other bytes than a-z 0-9 - _
				     as \DDD */
};

/*
 * Reads a question (of one that is asked, or of an answer). Returns the offset behind it, or
 * -EBADMSG: not a standard query with one question, or no name that could be shown.
 */
int dns_question_read(const uint8_t *message, size_t size, struct dns_question *question);

/*
 * Hands the addresses of an answer without error on (A and AAAA, those behind a CNAME too), as in
 * struct destination_count. Returns how many, or -EBADMSG where the message is none. One that is
 * cut is read up to there.
 */
typedef void dns_address(void *context, const __u64 address[2]);
int dns_answer_read(const uint8_t *message, size_t size, struct dns_question *question,
		    dns_address *found, void *context);
