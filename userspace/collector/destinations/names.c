// SPDX-License-Identifier: Apache-2.0
#include "collector/destinations/names.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"

/* 2,048 names in sets of four: half a megabyte when all are used. */
#define SETS 512
#define WAYS 4
#define QUESTIONS_MAX 256 /* questions waiting for an answer; the oldest are dropped */

struct name {
	__u64 address[2];
	uint64_t used; /* last use, in messages and lookups; 0: free */
	char text[DNS_NAME_SIZE];
};

struct question {
	uint8_t peer[16];
	uint16_t port; /* 0: free */
	struct dns_question asked;
};

struct names {
	uint64_t clock;
	unsigned int next; /* next question to overwrite */
	struct question questions[QUESTIONS_MAX];
	struct name names[SETS][WAYS];
};

static struct name *set_of(struct names *names, const __u64 address[2])
{
	return names->names[abi_destination_hash(address[0], address[1]) & (SETS - 1)];
}

static struct name *name_find(struct names *names, const __u64 address[2])
{
	struct name *set = set_of(names, address);

	for (int i = 0; i < WAYS; i++) {
		if (set[i].used && set[i].address[0] == address[0] &&
		    set[i].address[1] == address[1]) {
			set[i].used = ++names->clock;
			return &set[i];
		}
	}
	return NULL;
}

struct learning {
	struct names *names;
	const char *text;
};

static void name_learn(void *context, const __u64 address[2])
{
	const struct learning *learning = context;
	struct name *set = set_of(learning->names, address), *oldest = set;

	if (name_find(learning->names, address))
		return; /* the first name stays */
	for (int i = 1; i < WAYS; i++) {
		if (set[i].used < oldest->used)
			oldest = &set[i];
	}
	oldest->address[0] = address[0];
	oldest->address[1] = address[1];
	oldest->used = ++learning->names->clock;
	snprintf(oldest->text, sizeof(oldest->text), "%s", learning->text);
}

static void question_keep(struct names *names, const struct answer *message)
{
	struct question *q = &names->questions[names->next];

	q->port = 0;
	if (dns_question_read(message->message, message->length, &q->asked) < 0)
		return;
	memcpy(q->peer, message->peer, sizeof(q->peer));
	q->port = message->port;
	names->next = (names->next + 1) % QUESTIONS_MAX;
}

/* Finds and removes the question that this message answers: same name, server and port. */
static bool question_take(struct names *names, const struct answer *message,
			  const struct dns_question *answered)
{
	for (unsigned int i = 0; i < QUESTIONS_MAX; i++) {
		struct question *q = &names->questions[i];

		if (q->port && q->port == message->port &&
		    !memcmp(q->peer, message->peer, sizeof(q->peer)) &&
		    q->asked.id == answered->id && q->asked.type == answered->type &&
		    !strcmp(q->asked.name, answered->name)) {
			q->port = 0;
			return true;
		}
	}
	return false;
}

/* A name that looks like an address would be mistaken for that destination. */
static bool is_address(const char *text)
{
	struct in_addr address;

	return inet_pton(AF_INET, text, &address) == 1;
}

void names_message(struct names **names, const struct answer *message, size_t size)
{
	struct dns_question question;
	struct learning learning;

	if (size < sizeof(*message) || message->length > sizeof(message->message))
		return;
	if (!*names)
		*names = calloc(1, sizeof(**names));
	if (!*names)
		return;
	if (message->direction == ABI_TRANSMIT) {
		question_keep(*names, message);
		return;
	}
	if (dns_question_read(message->message, message->length, &question) < 0 ||
	    is_address(question.name) || !question_take(*names, message, &question))
		return;
	learning = (struct learning){ .names = *names, .text = question.name };
	dns_answer_read(message->message, message->length, &question, name_learn, &learning);
}

const char *names_find(struct names *names, const __u64 address[2])
{
	struct name *name = names ? name_find(names, address) : NULL;

	return name ? name->text : NULL;
}

void names_free(struct names **names)
{
	free_pointer(names);
}
