/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The grammar of SOCKS4 and 4a (openssh.com/txt/socks4.protocol, socks4a.protocol), of SOCKS5
 * (RFC 1928) and of its username/password authentication (RFC 1929). Each step reads one byte:
 * (state, byte) → (state, bytes to skip, event).
 */
#pragma once

#include <wgsocks/abi.h>

#define SOCKS_STEP(state, skip, event) ((__u32)(state) | (__u32)(skip) << 8 | (__u32)(event) << 24)
#define SOCKS_STEP_STATE(step) ((step)&0xff)
#define SOCKS_STEP_SKIP(step) (((step) >> 8) & 0xffff)
#define SOCKS_STEP_EVENT(step) ((step) >> 24)

enum socks_event {
	SOCKS_EVENT_NONE,
	SOCKS_EVENT_COMMAND,	   /* the byte is the command; dialogue_advance masks this bit */
	SOCKS_EVENT_FOREIGN = 2,   /* not SOCKS */
	SOCKS_EVENT_MALFORMED = 4, /* not a request or reply, after a valid negotiation */
	SOCKS_EVENT_METHOD,	   /* the byte is the chosen authentication method */
	SOCKS_EVENT_AUTH,	   /* the byte is the status of a failed authentication */
	SOCKS_EVENT_REPLY,	   /* the byte is a SOCKS5 reply code */
	SOCKS_EVENT_REPLY4,	   /* the byte is a SOCKS4 reply code */
};

#define SOCKS_METHOD_GSSAPI 1
#define SOCKS_METHOD_PASSWORD 2
#define SOCKS_METHOD_NONE_ACCEPTABLE 0xff

/* States of the client's side. socks_client_after returns the state after a skipped field. */
enum socks_client_state {
	SOCKS_CLIENT_VERSION, /* the start: 0 */
	SOCKS_CLIENT_METHOD_COUNT,
	SOCKS_CLIENT_METHODS, /* skipped */
	SOCKS_CLIENT_AUTH_OR_REQUEST,
	SOCKS_CLIENT_USER_LENGTH,
	SOCKS_CLIENT_USER, /* skipped */
	SOCKS_CLIENT_PASSWORD_LENGTH,
	SOCKS_CLIENT_PASSWORD, /* skipped */
	SOCKS_CLIENT_REQUEST,
	SOCKS_CLIENT_COMMAND,
	SOCKS_CLIENT_RESERVED,
	SOCKS_CLIENT_ADDRESS_TYPE,
	SOCKS_CLIENT_NAME_LENGTH,
	SOCKS_CLIENT_ADDRESS, /* skipped, with the port */
	SOCKS_CLIENT_4_COMMAND,
	SOCKS_CLIENT_4_PORT, /* skipped */
	SOCKS_CLIENT_4_IP0,
	SOCKS_CLIENT_4_IP1,
	SOCKS_CLIENT_4_IP2,
	SOCKS_CLIENT_4_IP3,
	SOCKS_CLIENT_4_IP_REST,	   /* skipped */
	SOCKS_CLIENT_4_USER,	   /* up to a NUL */
	SOCKS_CLIENT_4_USER_NAMED, /* up to a NUL, then a name (4a) */
	SOCKS_CLIENT_4_NAME,	   /* up to a NUL */
	SOCKS_CLIENT_DONE,
};

/* Whether the field ends at a NUL, so that other bytes may be skipped at once. */
static inline int socks_client_scans(__u32 state)
{
	return state == SOCKS_CLIENT_4_USER || state == SOCKS_CLIENT_4_USER_NAMED ||
	       state == SOCKS_CLIENT_4_NAME;
}

/* Whether the command of an incomplete request is known. */
static inline int socks_client_commanded(__u32 state)
{
	return state >= SOCKS_CLIENT_RESERVED && state != SOCKS_CLIENT_4_COMMAND &&
	       state != SOCKS_CLIENT_DONE;
}

/* Reads one byte of the client's side. Returns a SOCKS_STEP. */
static inline __u32 socks_client_next(__u32 state, __u32 byte)
{
	switch (state) {
	case SOCKS_CLIENT_VERSION:
		if (byte == 5)
			return SOCKS_STEP(SOCKS_CLIENT_METHOD_COUNT, 0, 0);
		if (byte == 4)
			return SOCKS_STEP(SOCKS_CLIENT_4_COMMAND, 0, 0);
		return SOCKS_STEP(SOCKS_CLIENT_DONE, 0, SOCKS_EVENT_FOREIGN);
	case SOCKS_CLIENT_METHOD_COUNT:
		return SOCKS_STEP(byte ? SOCKS_CLIENT_METHODS : SOCKS_CLIENT_AUTH_OR_REQUEST, byte,
				  0);
	case SOCKS_CLIENT_AUTH_OR_REQUEST: /* RFC 1929 begins with 1, a request with 5 */
		if (byte == 1)
			return SOCKS_STEP(SOCKS_CLIENT_USER_LENGTH, 0, 0);
		/* fall through */
	case SOCKS_CLIENT_REQUEST:
		if (byte == 5)
			return SOCKS_STEP(SOCKS_CLIENT_COMMAND, 0, 0);
		return SOCKS_STEP(SOCKS_CLIENT_DONE, 0, SOCKS_EVENT_MALFORMED);
	case SOCKS_CLIENT_USER_LENGTH:
		return SOCKS_STEP(byte ? SOCKS_CLIENT_USER : SOCKS_CLIENT_PASSWORD_LENGTH, byte, 0);
	case SOCKS_CLIENT_PASSWORD_LENGTH:
		return SOCKS_STEP(byte ? SOCKS_CLIENT_PASSWORD : SOCKS_CLIENT_REQUEST, byte, 0);
	case SOCKS_CLIENT_COMMAND: return SOCKS_STEP(SOCKS_CLIENT_RESERVED, 0, SOCKS_EVENT_COMMAND);
	case SOCKS_CLIENT_RESERVED: return SOCKS_STEP(SOCKS_CLIENT_ADDRESS_TYPE, 0, 0);
	case SOCKS_CLIENT_ADDRESS_TYPE:
		if (byte == 1)
			return SOCKS_STEP(SOCKS_CLIENT_ADDRESS, 4 + 2, 0);
		if (byte == 3)
			return SOCKS_STEP(SOCKS_CLIENT_NAME_LENGTH, 0, 0);
		if (byte == 4)
			return SOCKS_STEP(SOCKS_CLIENT_ADDRESS, 16 + 2, 0);
		/* An address of unknown length, which the server refuses. */
		return SOCKS_STEP(SOCKS_CLIENT_DONE, 0, 0);
	case SOCKS_CLIENT_NAME_LENGTH: return SOCKS_STEP(SOCKS_CLIENT_ADDRESS, byte + 2, 0);
	case SOCKS_CLIENT_4_COMMAND: return SOCKS_STEP(SOCKS_CLIENT_4_PORT, 2, SOCKS_EVENT_COMMAND);
	case SOCKS_CLIENT_4_IP0: /* 0.0.0.x, x not 0: the address is a name (4a) */
		return byte ? SOCKS_STEP(SOCKS_CLIENT_4_IP_REST, 3, 0)
			    : SOCKS_STEP(SOCKS_CLIENT_4_IP1, 0, 0);
	case SOCKS_CLIENT_4_IP1:
		return byte ? SOCKS_STEP(SOCKS_CLIENT_4_IP_REST, 2, 0)
			    : SOCKS_STEP(SOCKS_CLIENT_4_IP2, 0, 0);
	case SOCKS_CLIENT_4_IP2:
		return byte ? SOCKS_STEP(SOCKS_CLIENT_4_IP_REST, 1, 0)
			    : SOCKS_STEP(SOCKS_CLIENT_4_IP3, 0, 0);
	case SOCKS_CLIENT_4_IP3:
		return SOCKS_STEP(byte ? SOCKS_CLIENT_4_USER_NAMED : SOCKS_CLIENT_4_USER, 0, 0);
	case SOCKS_CLIENT_4_USER:
	case SOCKS_CLIENT_4_NAME: return SOCKS_STEP(byte ? state : SOCKS_CLIENT_DONE, 0, 0);
	case SOCKS_CLIENT_4_USER_NAMED: return SOCKS_STEP(byte ? state : SOCKS_CLIENT_4_NAME, 0, 0);
	}
	return SOCKS_STEP(SOCKS_CLIENT_DONE, 0, SOCKS_EVENT_MALFORMED);
}

/* Returns the state after a skipped field. */
static inline __u32 socks_client_after(__u32 state)
{
	switch (state) {
	case SOCKS_CLIENT_METHODS: return SOCKS_CLIENT_AUTH_OR_REQUEST;
	case SOCKS_CLIENT_USER: return SOCKS_CLIENT_PASSWORD_LENGTH;
	case SOCKS_CLIENT_PASSWORD: return SOCKS_CLIENT_REQUEST;
	case SOCKS_CLIENT_4_PORT: return SOCKS_CLIENT_4_IP0;
	case SOCKS_CLIENT_4_IP_REST: return SOCKS_CLIENT_4_USER;
	}
	return SOCKS_CLIENT_DONE;
}

/* States of the server's side, up to the byte that decides the outcome. Nothing is skipped. */
enum socks_server_state {
	SOCKS_SERVER_VERSION, /* the start: 0 */
	SOCKS_SERVER_METHOD,
	SOCKS_SERVER_AUTH_VERSION,
	SOCKS_SERVER_AUTH_STATUS,
	SOCKS_SERVER_REPLY_VERSION,
	SOCKS_SERVER_REPLY,
	SOCKS_SERVER_4_REPLY,
	SOCKS_SERVER_DONE,
};

/* Reads one byte of the server's side. Returns a SOCKS_STEP. */
static inline __u32 socks_server_next(__u32 state, __u32 byte)
{
	switch (state) {
	case SOCKS_SERVER_VERSION:
		if (byte == 5)
			return SOCKS_STEP(SOCKS_SERVER_METHOD, 0, 0);
		if (byte == 0)
			return SOCKS_STEP(SOCKS_SERVER_4_REPLY, 0, 0);
		return SOCKS_STEP(SOCKS_SERVER_DONE, 0, SOCKS_EVENT_FOREIGN);
	case SOCKS_SERVER_METHOD:
		if (byte == SOCKS_METHOD_PASSWORD)
			return SOCKS_STEP(SOCKS_SERVER_AUTH_VERSION, 0, SOCKS_EVENT_METHOD);
		if (byte == SOCKS_METHOD_NONE_ACCEPTABLE || byte == SOCKS_METHOD_GSSAPI)
			return SOCKS_STEP(SOCKS_SERVER_DONE, 0, SOCKS_EVENT_METHOD);
		return SOCKS_STEP(SOCKS_SERVER_REPLY_VERSION, 0, SOCKS_EVENT_METHOD);
	case SOCKS_SERVER_AUTH_VERSION: return SOCKS_STEP(SOCKS_SERVER_AUTH_STATUS, 0, 0);
	case SOCKS_SERVER_AUTH_STATUS:
		return byte ? SOCKS_STEP(SOCKS_SERVER_DONE, 0, SOCKS_EVENT_AUTH)
			    : SOCKS_STEP(SOCKS_SERVER_REPLY_VERSION, 0, 0);
	case SOCKS_SERVER_REPLY_VERSION:
		return byte == 5 ? SOCKS_STEP(SOCKS_SERVER_REPLY, 0, 0)
				 : SOCKS_STEP(SOCKS_SERVER_DONE, 0, SOCKS_EVENT_MALFORMED);
	case SOCKS_SERVER_REPLY: return SOCKS_STEP(SOCKS_SERVER_DONE, 0, SOCKS_EVENT_REPLY);
	case SOCKS_SERVER_4_REPLY: return SOCKS_STEP(SOCKS_SERVER_DONE, 0, SOCKS_EVENT_REPLY4);
	}
	return SOCKS_STEP(SOCKS_SERVER_DONE, 0, SOCKS_EVENT_FOREIGN);
}

/* The outcome of a request by the server's side: SUCCESS, or FAILURE + an enum abi_failure. */
enum { SOCKS_VERDICT_NONE, SOCKS_VERDICT_SUCCESS, SOCKS_VERDICT_FAILURE };

/* Returns the verdict of an event of the server's side; NONE if the event decides nothing. */
static inline __u32 socks_verdict(__u32 event, __u32 byte)
{
	switch (event) {
	case SOCKS_EVENT_METHOD:
		return byte == SOCKS_METHOD_NONE_ACCEPTABLE
			       ? SOCKS_VERDICT_FAILURE + ABI_FAILURE_NO_ACCEPTABLE_METHOD
			       : SOCKS_VERDICT_NONE;
	case SOCKS_EVENT_AUTH: return SOCKS_VERDICT_FAILURE + ABI_FAILURE_AUTH_FAILED;
	case SOCKS_EVENT_MALFORMED: return SOCKS_VERDICT_FAILURE + ABI_FAILURE_PROTOCOL_ERROR;
	case SOCKS_EVENT_REPLY:
		if (!byte)
			return SOCKS_VERDICT_SUCCESS;
		return SOCKS_VERDICT_FAILURE +
		       (byte <= 8 ? ABI_FAILURE_GENERAL + byte - 1 : ABI_FAILURE_OTHER);
	case SOCKS_EVENT_REPLY4:
		if (byte == 90)
			return SOCKS_VERDICT_SUCCESS;
		if (byte == 91)
			return SOCKS_VERDICT_FAILURE + ABI_FAILURE_GENERAL;
		if (byte == 92 || byte == 93) /* refused by identd */
			return SOCKS_VERDICT_FAILURE + ABI_FAILURE_AUTH_FAILED;
		return SOCKS_VERDICT_FAILURE + ABI_FAILURE_OTHER;
	}
	return SOCKS_VERDICT_NONE;
}
