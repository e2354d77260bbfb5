// SPDX-License-Identifier: Apache-2.0
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/cleanup.h"
#include "lib/tls/parts.h"

/* All open ones: a GnuTLS callback gets only the session, so tls_of looks up its struct tls. */
static LIST_HEAD(, tls) open_list = LIST_HEAD_INITIALIZER(open_list);

/* The struct tls that a session took; NULL: none. */
static struct tls *tls_of(gnutls_session_t session)
{
	void *credentials = NULL;
	struct tls *tls;

	if (gnutls_credentials_get(session, GNUTLS_CRD_CERTIFICATE, &credentials) < 0)
		return NULL;
	LIST_FOREACH(tls, &open_list, link)
	if (tls->credentials == credentials)
		return tls;
	return NULL;
}

static int client_check(gnutls_session_t session)
{
	return tls_client_check(tls_of(session), session);
}

static int refuse(char *why, const char *what, int code)
{
	snprintf(why, SETTINGS_WHY, "%s: %s", what, gnutls_strerror(code));
	return code < 0 ? code : GNUTLS_E_CERTIFICATE_ERROR;
}

static gnutls_datum_t datum(const struct pem *pem)
{
	return (gnutls_datum_t){ .data = (unsigned char *)(uintptr_t)pem->data,
				 .size = (unsigned int)pem->size };
}

static void time_spell(char out[static 32], time_t time)
{
	struct tm broken_down;

	gmtime_r(&time, &broken_down);
	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &broken_down);
}

/* Refuses an expired certificate when it is loaded, not at the first scrape. */
static int dates_check(struct tls *tls, gnutls_x509_crt_t leaf, time_t now, char *why)
{
	char date[32];

	tls->expiry = gnutls_x509_crt_get_expiration_time(leaf);
	if (tls->expiry >= now)
		return 0;
	time_spell(date, tls->expiry);
	snprintf(why, SETTINGS_WHY, "the certificate expired at %s", date);
	return GNUTLS_E_CERTIFICATE_ERROR;
}

/* Checks the first certificate of the chain, which is the server's. */
static int leaf_check(struct tls *tls, time_t now, char *why)
{
	gnutls_x509_crt_t *chain;
	unsigned int count;
	int r = gnutls_certificate_get_x509_crt(tls->credentials, 0, &chain, &count);

	if (r < 0)
		return refuse(why, "the certificate", r);
	r = gnutls_x509_crt_get_pk_algorithm(chain[0], NULL);
	tls->ecdsa = r != GNUTLS_PK_RSA && r != GNUTLS_PK_RSA_PSS;
	r = dates_check(tls, chain[0], now, why);
	for (unsigned int i = 0; i < count; i++)
		gnutls_x509_crt_deinit(chain[i]);
	gnutls_free(chain);
	return r;
}

static int identity_load(struct tls *tls, const struct pem *pems, time_t now, char *why)
{
	gnutls_datum_t certificate = datum(&pems[PEM_CERT]), key = datum(&pems[PEM_KEY]);
	int r = gnutls_certificate_set_x509_key_mem(tls->credentials, &certificate, &key,
						    GNUTLS_X509_FMT_PEM);

	if (r == GNUTLS_E_CERTIFICATE_KEY_MISMATCH) {
		snprintf(why, SETTINGS_WHY, "the key does not match the certificate");
		return r;
	}
	return r < 0 ? refuse(why, "certificate and key", r) : leaf_check(tls, now, why);
}

static int authorities_load(struct tls *tls, const struct pem *pem, char *why)
{
	gnutls_datum_t authorities = datum(pem);
	int r;

	if (!pem->data)
		return 0;
	r = gnutls_certificate_set_x509_trust_mem(tls->credentials, &authorities,
						  GNUTLS_X509_FMT_PEM);
	if (r > 0)
		return 0;
	if (r == 0)
		r = GNUTLS_E_NO_CERTIFICATE_FOUND;
	return refuse(why, "client_ca", r);
}

/* Checks that cipher_suites has a suite for the type of the server's key. */
static int suites_check(const struct tls *tls, char *why)
{
	const struct settings *s = tls->settings;

	for (size_t i = 0; i < s->cipher_count; i++)
		if (SETTINGS_CIPHERS[s->ciphers[i]].ecdsa == tls->ecdsa)
			return 0;
	if (!s->ciphers_set || s->max_version == TLS_13)
		return 0;
	snprintf(why, SETTINGS_WHY, "no suite of cipher_suites is for a certificate with an %s key",
		 tls->ecdsa ? "elliptic-curve" : "RSA");
	return GNUTLS_E_NO_CIPHER_SUITES;
}

static int priority_make(struct tls *tls, char *why)
{
	_cleanup_free_ char *string = NULL;
	const char *where;
	int r = suites_check(tls, why);

	if (r)
		return r;
	if (tls_priority_string(tls->settings, tls->ecdsa, &string))
		return refuse(why, "TLS", GNUTLS_E_MEMORY_ERROR);
	r = gnutls_priority_init(&tls->priority, string, &where);
	return r < 0 ? refuse(why, "versions, suites and curves", r) : 0;
}

struct tls *tls_open(const struct settings *settings, const struct pem pems[static PEM_MAX],
		     time_t now, char why[static SETTINGS_WHY])
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (!tls || gnutls_certificate_allocate_credentials(&tls->credentials) < 0) {
		free(tls);
		snprintf(why, SETTINGS_WHY, "out of memory");
		return NULL;
	}
	tls->settings = settings;
	LIST_INSERT_HEAD(&open_list, tls, link);
	gnutls_certificate_set_verify_function(tls->credentials, client_check);
	if (identity_load(tls, pems, now, why) ||
	    authorities_load(tls, &pems[PEM_CLIENT_CA], why) || priority_make(tls, why)) {
		tls_close(tls);
		return NULL;
	}
	return tls;
}

void tls_close(struct tls *tls)
{
	if (!tls)
		return;
	LIST_REMOVE(tls, link);
	gnutls_certificate_free_credentials(tls->credentials);
	if (tls->priority)
		gnutls_priority_deinit(tls->priority);
	free(tls);
}

/* Runs before the ServerHello is sent, when the suite is known. */
static int hello_check(gnutls_session_t session, unsigned int type, unsigned int when,
		       unsigned int incoming, const gnutls_datum_t *message)
{
	const struct tls *tls = tls_of(session);

	return tls && !incoming && !tls_suite_allowed(tls, message) ? GNUTLS_E_NO_CIPHER_SUITES : 0;
}

int tls_take(struct tls *tls, gnutls_session_t session)
{
	static const gnutls_certificate_request_t requests[] = {
		[CLIENT_AUTH_NONE] = GNUTLS_CERT_IGNORE,
		[CLIENT_AUTH_REQUEST] = GNUTLS_CERT_REQUEST,
		[CLIENT_AUTH_REQUIRE_ANY] = GNUTLS_CERT_REQUIRE,
		[CLIENT_AUTH_VERIFY_IF_GIVEN] = GNUTLS_CERT_REQUEST,
		[CLIENT_AUTH_REQUIRE_AND_VERIFY] = GNUTLS_CERT_REQUIRE,
	};
	int r = gnutls_priority_set(session, tls->priority);

	if (r < 0)
		return r;
	r = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, tls->credentials);
	if (r < 0)
		return r;
	gnutls_certificate_server_set_request(session, requests[tls->settings->client_auth]);
	if (tls->settings->ciphers_set)
		gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_SERVER_HELLO,
						   GNUTLS_HOOK_PRE, hello_check);
	return 0;
}

time_t tls_expiry(const struct tls *tls)
{
	return tls->expiry;
}
