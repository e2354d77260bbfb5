// SPDX-License-Identifier: Apache-2.0
#include "collector/destinations/dns_answer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define HEADER_SIZE 12
#define RECORD_SIZE 10 /* type, class, TTL and length, after the owner name */
#define RECORDS_MAX 64 /* records read from one message */
#define LABELS_MAX 128 /* RFC 1035: a name has at most 255 bytes */
#define FLAGS_ANSWER 0x8000
#define FLAGS_OPCODE 0x7800
#define FLAGS_RCODE 0x000f
#define TYPE_A 1
#define TYPE_AAAA 28
#define CLASS_IN 1

static unsigned int read16(const uint8_t *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

static bool is_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Appends one byte of a label; false if there is no room. */
static bool text_add(char *text, size_t *length, uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		c += 'a' - 'A';
	if (*length + (is_plain(c) ? 1 : 4) >= DNS_NAME_SIZE)
		return false;
	if (is_plain(c))
		text[(*length)++] = (char)c;
	else
		*length += (size_t)sprintf(text + *length, "\\%03u", c);
	return true;
}

static bool label_add(char *text, size_t *length, const uint8_t *label, size_t size)
{
	if (*length) {
		if (*length + 1 >= DNS_NAME_SIZE)
			return false;
		text[(*length)++] = '.';
	}
	for (size_t i = 0; i < size; i++) {
		if (!text_add(text, length, label[i]))
			return false;
	}
	return true;
}

/*
 * Reads the name of a question. It is the first name, so it cannot be a pointer. Returns the offset
 * after it.
 */
static int name_read(const uint8_t *message, size_t size, size_t at, char text[DNS_NAME_SIZE])
{
	size_t length = 0;

	while (at < size && message[at]) {
		size_t label = message[at++];

		if (label > 63 || label > size - at ||
		    !label_add(text, &length, message + at, label))
			return -EBADMSG;
		at += label;
	}
	text[length] = 0;
	return at < size && length ? (int)at + 1 : -EBADMSG;
}

/* Skips the owner name of a record, which may end in a pointer. */
static int name_skip(const uint8_t *message, size_t size, size_t at)
{
	for (int i = 0; i < LABELS_MAX && at < size; i++) {
		if (!message[at])
			return (int)at + 1;
		if (message[at] >= 0xc0)
			return at + 2 <= size ? (int)at + 2 : -EBADMSG;
		if (message[at] > 63)
			return -EBADMSG;
		at += (size_t)message[at] + 1;
	}
	return -EBADMSG;
}

int dns_question_read(const uint8_t *message, size_t size, struct dns_question *question)
{
	int at;

	if (size < HEADER_SIZE || read16(message + 4) != 1 || read16(message + 2) & FLAGS_OPCODE)
		return -EBADMSG;
	at = name_read(message, size, HEADER_SIZE, question->name);
	if (at < 0 || (size_t)at + 4 > size || read16(message + at + 2) != CLASS_IN)
		return -EBADMSG;
	question->id = (uint16_t)read16(message);
	question->type = (uint16_t)read16(message + at);
	return at + 4;
}

/* Reads the address of a record, in the format of struct destination_count. */
static bool address_read(const uint8_t *data, unsigned int type, unsigned int length,
			 __u64 address[2])
{
	uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff };

	if (type == TYPE_A && length == 4)
		memcpy(bytes + 12, data, 4);
	else if (type == TYPE_AAAA && length == 16)
		memcpy(bytes, data, 16);
	else
		return false;
	memcpy(address, bytes, sizeof(bytes));
	return true;
}

int dns_answer_read(const uint8_t *message, size_t size, struct dns_question *question,
		    dns_address *found, void *context)
{
	int at = dns_question_read(message, size, question), count = 0;
	unsigned int records;

	if (at < 0 || !(read16(message + 2) & FLAGS_ANSWER))
		return -EBADMSG;
	records = read16(message + 2) & FLAGS_RCODE ? 0 : read16(message + 6);
	for (unsigned int i = 0; i < records && i < RECORDS_MAX; i++) {
		unsigned int type, length;
		__u64 address[2];

		at = name_skip(message, size, (size_t)at);
		if (at < 0 || (size_t)at + RECORD_SIZE > size)
			break;
		type = read16(message + at);
		length = read16(message + at + 8);
		if (length > size - (size_t)at - RECORD_SIZE)
			break;
		if (read16(message + at + 2) == CLASS_IN &&
		    address_read(message + at + RECORD_SIZE, type, length, address)) {
			found(context, address);
			count++;
		}
		at += RECORD_SIZE + (int)length;
	}
	return count;
}
