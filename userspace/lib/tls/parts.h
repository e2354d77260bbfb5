/* SPDX-License-Identifier: Apache-2.0 */
/* Private to this folder. */
#pragma once

#include <sys/queue.h>

#include "lib/tls/tls.h"

struct tls {
	LIST_ENTRY(tls) link;
	const struct settings *settings;
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
	bool ecdsa;    /* the server's key is not RSA */
	time_t expiry; /* of the server's certificate */
};

/*
 * The GnuTLS priority string for the versions, suites and curves of the settings. The caller frees
 * *string. Returns 0 or -ENOMEM.
 */
int tls_priority_string(const struct settings *s, bool ecdsa, char **string);

/* Whether the suite in the body of a ServerHello is in the settings, or is one of TLS 1.3. */
bool tls_suite_allowed(const struct tls *tls, const gnutls_datum_t *hello);

/* Checks the client certificate; refuses all if `tls` is NULL. Returns 0 or a GnuTLS error. */
int tls_client_check(const struct tls *tls, gnutls_session_t session);
