// SPDX-License-Identifier: Apache-2.0
/*
 * Checks the client certificate during the handshake, by the client_auth_type of the settings.
 */
#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>

#include "lib/log/log.h"
#include "lib/tls/parts.h"

static bool listed(const struct settings *s, const char *san)
{
	for (size_t i = 0; i < s->san_count; i++)
		if (!strcmp(s->sans[i], san))
			return true;
	return false;
}

/* Writes a subject alternative name as client_allowed_sans spells it. False: unsupported type. */
static bool san_spell(char *out, size_t size, unsigned int kind, const void *value, size_t length)
{
	switch (kind) {
	case GNUTLS_SAN_DNSNAME:
	case GNUTLS_SAN_RFC822NAME:
	case GNUTLS_SAN_URI:
		/* An embedded NUL would truncate the name to a different, allowed name. */
		if (length >= size || memchr(value, '\0', length))
			return false;
		memcpy(out, value, length);
		out[length] = '\0';
		return true;
	case GNUTLS_SAN_IPADDRESS:
		return (length == 4 || length == 16) &&
		       inet_ntop(length == 4 ? AF_INET : AF_INET6, value, out, (socklen_t)size);
	default: return false;
	}
}

static bool certificate_named(const struct settings *s, gnutls_x509_crt_t certificate)
{
	for (unsigned int i = 0;; i++) {
		char value[1024], spelt[1024];
		size_t length = sizeof(value);
		unsigned int kind;
		int r = gnutls_x509_crt_get_subject_alt_name2(certificate, i, value, &length, &kind,
							      NULL);

		if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return false;
		if (r == GNUTLS_E_SHORT_MEMORY_BUFFER) /* too long to match: skip it */
			continue;
		if (r < 0)
			return false;
		if (san_spell(spelt, sizeof(spelt), kind, value, length) && listed(s, spelt))
			return true;
	}
}

static bool sans_match(const struct settings *s, const gnutls_datum_t *peer)
{
	gnutls_x509_crt_t certificate;
	bool match;

	if (gnutls_x509_crt_init(&certificate) < 0)
		return false;
	match = gnutls_x509_crt_import(certificate, peer, GNUTLS_X509_FMT_DER) == 0 &&
		certificate_named(s, certificate);
	gnutls_x509_crt_deinit(certificate);
	return match;
}

static bool chain_verify(gnutls_session_t session)
{
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT
	};
	unsigned int status = GNUTLS_CERT_INVALID;

	return gnutls_certificate_verify_peers(session, &purpose, 1, &status) == 0 && status == 0;
}

/* Why the client is refused; NULL: it is accepted. */
static const char *client_refused(const struct settings *s, gnutls_session_t session)
{
	unsigned int count = 0;
	const gnutls_datum_t *peers = gnutls_certificate_get_peers(session, &count);
	enum client_auth policy = s->client_auth;

	if (policy == CLIENT_AUTH_NONE || policy == CLIENT_AUTH_REQUEST)
		return NULL;
	if (!peers || !count)
		return policy == CLIENT_AUTH_VERIFY_IF_GIVEN ? NULL : "no client certificate";
	if (policy != CLIENT_AUTH_REQUIRE_ANY && !chain_verify(session))
		return "certificate not signed by client_ca, not for clients, or not valid now";
	if (s->sans_set && !sans_match(s, &peers[0]))
		return "no name of the certificate is in client_allowed_sans";
	return NULL;
}

int tls_client_check(const struct tls *tls, gnutls_session_t session)
{
	const char *why = tls ? client_refused(tls->settings, session) : "no settings";

	if (!why)
		return 0;
	log_debug("client refused", field_text("reason", why));
	return GNUTLS_E_CERTIFICATE_ERROR;
}
