/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a request is let in: the rate, then the password. Knows nothing of what it asks for. */
#pragma once

#include <microhttpd.h>

#include "web/auth/passwords.h"
#include "web/request/limit.h"
#include "web/request/refusal.h"

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
 * Returns 0 when the request may come in, -EAGAIN when it has to wait until its waiter is told, -EACCES with the
 * refusal, which is counted.
 */
int gate_check(struct gate *gate, struct gate_pass *pass, const struct settings *settings,
	       struct MHD_Connection *connection, uint64_t now_ns, enum refusal *refusal);

/* The request has ended. */
void gate_leave(struct gate *gate, struct gate_pass *pass);
