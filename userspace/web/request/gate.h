/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a request is let in: the rate, then the password. Knows nothing of what it asks for. */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "web/auth/passwords.h"

/* Why a request, or a connection, was not let in. */
/*
 * X(enumerator, word). no_password: none was sent. password: a wrong one. passwords_busy: too many
 * are being checked. tls: the connection ended before its first request (no handshake, or not with
 * that certificate).
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
 * A token bucket: one request an interval, and a burst of more after a pause. Zero-initialise: it
 * begins full.
 */
struct limit {
	bool begun;
	uint64_t full_ns; /* when it would be full again */
};

/* Takes one; false when there is none. An interval of 0: there always is. */
bool limit_take(struct limit *limit, uint64_t interval_ns, uint32_t burst, uint64_t now_ns);

/* Of the process. Zero-initialise. */
struct gate {
	struct passwords *passwords; /* NULL: no thread, nobody with a password gets in */
	struct limit limit;
	uint64_t refused[REFUSALS];
};

/* Of a request. Zero-initialise. */
struct gate_pass {
	struct password_waiter waiter; /* its `done` is the caller's */
	bool waiting;
	bool counted; /* by the rate */
	bool open;
};

/*
 * Returns 0 when the request may come in, -EAGAIN when it has to wait until its waiter is told,
 * -EACCES with the refusal, which is counted.
 */
int gate_check(struct gate *gate, struct gate_pass *pass, const struct settings *settings,
	       struct MHD_Connection *connection, uint64_t now_ns, enum refusal *refusal);

/* The request has ended. */
void gate_leave(struct gate *gate, struct gate_pass *pass);
