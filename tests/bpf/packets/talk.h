/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dialogue of client and server: a session entry, and segments of both sides through the
 * underlay's programs.
 */
#pragma once

#include "cases.h"

enum talk_side { CLIENT, SERVER };

/* How a talk travels. Cases that are about the dialogue run in each of them. */
struct talk_way {
	struct frame_shape shape;
	bool loopback; /* both sides through one program */
	const char *name;
};
extern const struct talk_way talk_ways[];
#define TALK_WAYS 8

struct talk {
	struct kernel *kernel;
	struct talk_way way;
	uint16_t client_port, server_port;
	uint8_t client_host; /* the last byte of the client's address */
	uint32_t isn[2];
	uint32_t said[2]; /* stream offset after what was said in order */
	uint64_t socket;
	bool opened;
	struct proxy_counters want; /* the expected counters; histograms follow from them */
};

/* A new talk, by new ports, with counters at 0. Without a session until talk_open. */
void talk_begin(struct talk *talk, struct kernel *kernel, const struct talk_way *way);
void talk_open(struct talk *talk);

/* Removes its session and early dialogue. */
void talk_end(struct talk *talk);

/* One segment at a stream offset; flags are added to ACK. */
void talk_segment(struct talk *talk, enum talk_side side, uint32_t offset, const void *bytes,
		  size_t length, uint8_t flags);

/* The next bytes of a side, in one segment. */
void talk_say(struct talk *talk, enum talk_side side, const void *bytes, size_t length);

/* A segment to be changed before talk_send. */
void talk_frame(struct talk *talk, struct frame *frame, enum talk_side side, uint32_t offset,
		const void *bytes, size_t length, uint8_t flags);
void talk_send(struct talk *talk, enum talk_side side, const struct frame *frame);

/* What the maps hold; false when there is none. */
bool talk_session(struct talk *talk, struct session *session);
void talk_session_set(struct talk *talk, const struct session *session);
bool talk_early(struct talk *talk, struct early_dialogue *early);
void talk_early_set(struct talk *talk, const struct early_dialogue *early);

/*
 * The counters are what talk->want says, and the histograms hold as many values as there are
 * outcomes.
 */
void talk_check(struct talk *talk);

/* CLOCK_MONOTONIC, as in the maps. */
uint64_t talk_now(void);

#define TALK(talk, side, text) talk_say(talk, side, text, sizeof(text) - 1)
