/* SPDX-License-Identifier: Apache-2.0 */
/* A client connection, from connect to close. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "kind.h"
#include "socks.h"
#include "tally.h"

struct proxy {
	struct sockaddr_storage address;
	socklen_t length;
	struct credentials credentials;
	char text[80];
	struct tally tally;
};

enum stage {
	STAGE_CONNECT,
	STAGE_METHOD, /* these three wait for an answer of the server */
	STAGE_LOGIN,
	STAGE_REPLY,
	STAGE_BIND,  /* waits for the second reply */
	STAGE_UDP,   /* waits for the relayed datagram */
	STAGE_DATA,  /* payload */
	STAGE_ALIEN, /* no SOCKS: waits until the server closes, or wait_ms */
	STAGE_EOF,   /* all is done, the target closes first */
	STAGE_HELD,
};

struct session {
	const struct kind *kind;
	struct proxy *proxy;
	int fd, udp_fd;
	enum stage stage;
	bool outcome_known, request_sent, half_done, over;
	uint8_t out[SOCKS_OUT_MAX]; /* what the client sends before the payload */
	size_t out_length, out_sent;
	size_t greeting_end, request_end; /* in out; 0: not written yet */
	uint8_t in[1024];
	size_t in_length;
	uint64_t up_sent, down_seen; /* of the pattern */
	size_t banner_seen;
	uint64_t request_time, deadline, wake, udp_next; /* ns; 0: none */
	uint32_t events;
	struct session *next, *previous;
};

/* The event loop as sessions use it. */
struct loop {
	int epoll_fd;
	uint64_t now;
	uint64_t patience; /* longest duration of a session, in ns */
	struct sockaddr_storage sources[32];
	unsigned int source_count, source_next;
	struct session *live;
	unsigned int live_count, held_count, over_count;
	int control_fd; /* to the target, for BIND; -1: not yet */
};

uint64_t clock_now(void);

/* Starts a session; it is in loop->live until it ends. */
void session_start(struct loop *loop, const struct kind *kind, struct proxy *proxy);

/* Handles an event: its socket (or that of its datagrams) is ready, or a timer has expired. */
void session_run(struct loop *loop, struct session *session);

/* Called each millisecond for timers, pacing and an unread reply, which have no event. */
void session_tick(struct loop *loop, struct session *session);

/* Ends a held session. */
void session_release(struct loop *loop, struct session *session);

/* Records the outcome; only the first call has an effect. */
void session_outcome(struct session *session, enum outcome outcome);

/* Closes, by FIN or as the kind says by RST, and notes the outcome if none is known yet. */
void session_leave(struct loop *loop, struct session *session, enum outcome outcome);

/* Handles an unexpected event: ends the session by RST. */
void session_fail(struct loop *loop, struct session *session, const char *event);

/* Payload is complete: stays, waits for the server's FIN, or goes, as the kind says. */
void session_complete(struct loop *loop, struct session *session);

/* dialogue.c: sends the first message, once connected. */
void dialogue_open(struct session *session);
/* Reads in[]; returns the bytes used, 0 if more are needed, or -EPROTO. */
int dialogue_take(struct loop *loop, struct session *session);

/* stream.c: sends pending bytes. Returns 0, or -errno if the connection is broken. */
int stream_send(struct loop *loop, struct session *session);
bool stream_done(const struct session *session);
void stream_watch(struct loop *loop, struct session *session);
/* Checks payload from the target; returns false if it differs from the requested bytes. */
bool stream_take(struct session *session, const uint8_t *data, size_t size);
bool stream_complete(const struct session *session);

/* exchange.c: the second part of BIND and of UDP ASSOCIATE. Each returns false on failure. */
bool bind_call(struct loop *loop, struct session *session, const struct reply *reply);
bool udp_open(struct loop *loop, struct session *session, const struct reply *reply);
void udp_send(struct loop *loop, struct session *session);
bool udp_answered(struct session *session);
