/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server side of TLS by the settings: certificate, versions, suites, client certificates.
 * Opened once for each configuration; each new session takes it.
 */
#pragma once

#include <gnutls/gnutls.h>
#include <stddef.h>
#include <time.h>

#include "lib/web_config/settings.h"

/* The contents of a PEM file, not NUL-terminated. `data` NULL: none. */
struct pem {
	const char *data;
	size_t size;
};

struct tls;

/*
 * Loads the certificate, the key and the optional certificate authorities for clients. `settings`
 * must outlive the result. An expiry before `now` is an error; 0 accepts an expired certificate.
 * Returns NULL with a one-line reason in `why` on errors.
 */
struct tls *tls_open(const struct settings *settings, const struct pem pems[static PEM_MAX],
		     time_t now, char why[static SETTINGS_WHY]);

/* Frees it. No session may still use it. NULL is allowed. */
void tls_close(struct tls *tls);

/* Makes a session use it, before the handshake. Returns 0 or a GnuTLS error. */
int tls_take(struct tls *tls, gnutls_session_t session);

/* When the server's certificate expires. */
time_t tls_expiry(const struct tls *tls);
