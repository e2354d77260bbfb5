/* SPDX-License-Identifier: Apache-2.0 */
/* A kind: what one client connection of the generator does, and the outcome that it expects. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* How a client connection ended, by the reason names of the metrics. */
enum outcome {
	OUTCOME_SUCCESS,
	OUTCOME_GENERAL_FAILURE, /* 1 to 8 are the reply codes */
	OUTCOME_NOT_ALLOWED,
	OUTCOME_NETWORK_UNREACHABLE,
	OUTCOME_HOST_UNREACHABLE,
	OUTCOME_CONNECTION_REFUSED,
	OUTCOME_TTL_EXPIRED,
	OUTCOME_COMMAND_NOT_SUPPORTED,
	OUTCOME_ADDRESS_TYPE_NOT_SUPPORTED,
	OUTCOME_NO_ACCEPTABLE_METHOD,
	OUTCOME_AUTH_FAILED,
	OUTCOME_CLIENT_ABORT,
	OUTCOME_SERVER_ABORT,
	OUTCOME_PROTOCOL_ERROR,
	OUTCOME_OTHER,
	OUTCOME_NO_REQUEST, /* the connection carried none */
	OUTCOME_COUNT,
	OUTCOME_ANY = OUTCOME_COUNT,
};

extern const char *const outcome_names[OUTCOME_COUNT];

enum opening { OPEN_SOCKS, OPEN_SILENT, OPEN_HTTP, OPEN_TLS, OPEN_ZEROS };
enum proto { PROTO_SOCKS5, PROTO_SOCKS4, PROTO_SOCKS4A };
enum auth { AUTH_DEFAULT, AUTH_NONE, AUTH_GOOD, AUTH_BAD, AUTH_EMPTY, AUTH_UNACCEPTABLE };
enum { COMMAND_CONNECT = 1, COMMAND_BIND, COMMAND_UDP };
enum addressing { BY_IPV4, BY_IPV6, BY_NAME, BY_NAME4, BY_NAME6, BY_UNKNOWN_TYPE };
enum dest {
	DEST_TARGET,
	DEST_CLOSED,
	DEST_BLOCKED,
	DEST_UNRESOLVED,
	DEST_SWALLOW,
	DEST_HOST_UNREACHABLE,
	DEST_NET_UNREACHABLE,
	DEST_COUNT
};
enum shape { SHAPE_PLAIN, SHAPE_BYTES, SHAPE_ONE_WRITE };
enum leave { LEAVE_END, LEAVE_CONNECT, LEAVE_GREETING, LEAVE_METHOD, LEAVE_REQUEST, LEAVE_REPLY };

struct kind {
	char line[160]; /* as it was written, to name it */
	uint32_t count;
	enum opening opening;
	enum proto proto;
	enum auth auth;
	uint8_t command;
	enum addressing addressing;
	enum dest dest;
	enum shape shape;
	enum leave leave;
	bool reset;	  /* ends by RST, not FIN */
	bool hold;	  /* stays open until "release" */
	bool half;	  /* shuts its sending side down after the request (and payload) */
	bool banner;	  /* the target speaks first */
	bool closing;	  /* the target closes first */
	uint32_t wait_ms; /* before it closes */
	uint64_t up, down;
	enum outcome expect;
};

/*
 * Reads "COUNT NAME [KEY=VALUE | FLAG]..." into kind. Prints what is wrong with it and returns
 * -EINVAL.
 */
int kind_parse(struct kind *kind, const char *line);

/* Prints the names and keys. */
void kind_help(FILE *out);

/*
 * The target of the upstream connect. Dante does not support SOCKS4a: it connects to 0.0.0.1, which
 * does not answer.
 */
static inline enum dest kind_dest(const struct kind *kind)
{
	return kind->proto == PROTO_SOCKS4A ? DEST_SWALLOW : kind->dest;
}

/* Whether the connection requests payload from the target after a success reply. */
static inline bool kind_has_payload(const struct kind *kind)
{
	return kind->up || kind->down || kind->closing;
}
