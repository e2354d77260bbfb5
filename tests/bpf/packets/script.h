/* SPDX-License-Identifier: Apache-2.0 */
/* Dialogues, and all the ways to cut them into segments. */
#pragma once

#include "talk.h"

#define NONE (-1)
#define SUCCESS (-2)

struct line {
	enum talk_side side;
	size_t length;
	const char *bytes;
};

struct script {
	const char *name;
	struct line lines[8];
	int command;	/* the counted command: enum abi_command, or NONE */
	int outcome;	/* SUCCESS, enum abi_failure, or NONE */
	int loss;	/* enum abi_loss, or NONE */
	bool in_order;	/* differs if the client does not wait for the server */
	bool unsettled; /* the server's side stays incomplete */
};

extern const struct script scripts[];

/*
 * Plays the script and checks the counts. `send` gets each line and sends it in segments of its
 * choice.
 */
typedef void script_send(struct talk *talk, enum talk_side side, const char *bytes, size_t length,
			 size_t n);
void script_play(const struct script *script, struct talk *talk, script_send *send, size_t n);

/*
 * As above, in a talk of its own with a session, counters checked. The first sequence numbers are
 * behind `wrap` bytes at 2^32.
 */
void script_check(const struct script *script, struct kernel *kernel, const struct talk_way *way,
		  script_send *send, size_t n, uint32_t wrap);

/* Length of the longest line; of all the lines of both sides. */
size_t script_longest(const struct script *script);
size_t script_total(const struct script *script);

/*
 * Ways to send a line: in one segment; split at n; in segments of n; each twice; each with the n
 * bytes before it.
 */
script_send send_whole, send_split, send_pieces, send_twice, send_overlapping;
