/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of TLS as the settings want it: certificate, versions, suites, and what is
 * asked of clients. Made once; each session that begins takes it.
 */
#pragma once

#include <gnutls/gnutls.h>
#include <stddef.h>
#include <time.h>

#include "lib/web_config/settings.h"

/* PEM as it was read; `data` is not terminated. */
struct pem {
	const char *data;
	size_t size;
};

struct tls;

/*
 * `pems`: certificate and key, and the clients' authorities or nothing (data NULL). `settings` must
 * outlive it. Returns NULL with one line in `why` when they cannot be served with.
 */
struct tls *tls_open(const struct settings *settings, const struct pem pems[static PEM_MAX],
		     time_t now, char why[static SETTINGS_WHY]);

/* Only when no session that took it is left. */
void tls_close(struct tls *tls);

/* Makes a session that has not begun use it. Returns 0 or a code of GnuTLS. */
int tls_take(struct tls *tls, gnutls_session_t session);

/* When the server's own certificate expires. */
time_t tls_expiry(const struct tls *tls);
