/* SPDX-License-Identifier: Apache-2.0 */
/* Why a request, or a connection, was not let in. */
#pragma once

enum refusal {
	REFUSAL_NO_PASSWORD,	/* none was sent */
	REFUSAL_PASSWORD,	/* a wrong one */
	REFUSAL_PASSWORDS_BUSY, /* too many are being checked */
	REFUSAL_RATE,		/* rate_limit */
	REFUSAL_TLS, /* the connection ended before its first request: no handshake, or not with that certificate */
	REFUSALS
};

/* "no_password", "password", "passwords_busy", "rate_limit", "tls". */
const char *refusal_name(enum refusal refusal);
