/* SPDX-License-Identifier: Apache-2.0 */
/* Admits or refuses a request: first by the rate limit, then by the password. */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "web/auth/passwords.h"

/*
 * Why a request or a connection was refused: X(enumerator, word). no_password: none was sent.
 * password: it was wrong. passwords_busy: too many password checks at once. rate_limit: above the
 * rate limit. tls: the connection ended before its first request (handshake failed, or client
 * certificate refused).
 */
#define REFUSAL_REASONS(X)                        \
	X(REFUSAL_NO_PASSWORD, no_password)       \
	X(REFUSAL_PASSWORD, password)             \
	X(REFUSAL_PASSWORDS_BUSY, passwords_busy) \
	X(REFUSAL_RATE, rate_limit)               \
	X(REFUSAL_TLS, tls)

#define REFUSAL_(id, word) id,
enum refusal { REFUSAL_REASONS(REFUSAL_) REFUSALS };
#undef REFUSAL_

/* The value of the label `reason`. */
const char *refusal_name(enum refusal refusal);

/*
 * A token bucket: one request in each interval, and a burst after a pause. Zero-initialise: it
 * starts full.
 */
struct limit {
	bool begun;
	uint64_t full_ns; /* when the bucket will be full again */
};

/* Takes a token. Returns false if there is none. With interval 0 there is no limit. */
bool limit_take(struct limit *limit, uint64_t interval_ns, uint32_t burst, uint64_t now_ns);

/* State of the process. Zero-initialise. */
struct gate {
	struct passwords *passwords; /* NULL: no thread, requests with a password are refused */
	struct limit limit;
	uint64_t refused[REFUSALS];
};

/* State of a request. Zero-initialise. */
struct gate_pass {
	struct password_waiter waiter; /* the caller sets `done` */
	bool waiting;
	bool counted; /* by the rate limit */
	bool open;    /* admitted */
};

/*
 * Returns 0 if the request is admitted, or -EACCES with *refusal, which is counted. -EAGAIN: the
 * request must wait until the `done` of its waiter is called.
 */
int gate_check(struct gate *gate, struct gate_pass *pass, const struct settings *settings,
	       struct MHD_Connection *connection, uint64_t now_ns, enum refusal *refusal);

/* Call when the request has ended: removes its waiter. */
void gate_leave(struct gate *gate, struct gate_pass *pass);
