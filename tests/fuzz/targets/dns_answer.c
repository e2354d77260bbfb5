// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/collector/destinations/dns_answer.c and names.c: a message, once as the question and
 * once as its answer.
 */
#include "fuzz.h"

#include <ctype.h>
#include <errno.h>

#include "collector/destinations/names.h"

static unsigned int found;

static void found_one(void *context, const __u64 address[2])
{
	CHECK(context == &found);
	CHECK(address);
	found++;
}

static void check_name(const char *name)
{
	CHECK(*name && strlen(name) < DNS_NAME_SIZE);
	for (; *name; name++)
		CHECK(islower((unsigned char)*name) || isdigit((unsigned char)*name) ||
			      strchr("-_.\\", *name),
		      "byte %d", *name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = fuzz_copy(data, size);
	struct dns_question question, again;
	struct names *names = NULL;
	struct answer answer = { .port = 5353 };
	int r, at;

	found = 0;
	r = dns_answer_read(copy, size, &question, found_one, &found);
	CHECK(r == -EBADMSG || (r >= 0 && (unsigned int)r == found && r <= 64), "%d of %u", r,
	      found);
	at = dns_question_read(copy, size, &again);
	CHECK(at == -EBADMSG || (at > 12 && (size_t)at <= size), "%d", at);
	if (at > 0)
		check_name(again.name);
	free(copy);

	answer.length = (uint32_t)(size < sizeof(answer.message) ? size : sizeof(answer.message));
	memcpy(answer.message, data, answer.length);
	for (int direction = ABI_TRANSMIT; direction >= ABI_RECEIVE; direction--) {
		answer.direction = (uint8_t)direction;
		names_message(&names, &answer, sizeof(answer));
	}
	names_free(&names);
	return 0;
}
