/* SPDX-License-Identifier: Apache-2.0 */
/* Why a request, or a connection, was not let in. */
#pragma once

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
