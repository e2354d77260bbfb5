/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of this folder. */
#pragma once

#include <sys/queue.h>

#include "lib/tls/tls.h"

struct tls {
	LIST_ENTRY(tls) link;
	const struct settings *settings;
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
	bool ecdsa; /* the server's key */
	time_t expiry;
};

/* GnuTLS's word for what the settings want of versions, suites and curves. 0 or -ENOMEM. */
int tls_priority_string(const struct settings *s, bool ecdsa, char **string);

/* Whether the suite of a server's hello is one of the settings', or of TLS 1.3. */
bool tls_suite_allowed(const struct tls *tls, const gnutls_datum_t *hello);

/* The check of a client's certificate; `tls` may be NULL. Returns 0 or a code of GnuTLS. */
int tls_client_check(const struct tls *tls, gnutls_session_t session);
