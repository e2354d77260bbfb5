// SPDX-License-Identifier: Apache-2.0
/*
 * Selects the offered versions, suites and curves. cipher_suites applies up to TLS 1.2, as in Go,
 * but GnuTLS selects ciphers for all versions at once. So all ciphers of TLS 1.3 are offered after
 * those of the list, in the server's order. If an older version then picks a suite outside the
 * list, the handshake fails (tls_suite_allowed).
 */
#include <errno.h>
#include <gnutls/crypto.h>
#include <string.h>

#include "lib/text/text.h"
#include "lib/tls/parts.h"

/* The ciphers offered without cipher_suites; TLS 1.3 always offers those that are not CBC. */
static const char *const ciphers[] = { "AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305",
				       "AES-128-CBC", "AES-256-CBC" };
#define CIPHERS_AEAD 3
#define CIPHERS_ALL (sizeof(ciphers) / sizeof(*ciphers))

static void listed_add(struct text *text, const struct settings *s, bool ecdsa)
{
	for (size_t i = 0; i < s->cipher_count; i++) {
		const struct settings_cipher *cipher = &SETTINGS_CIPHERS[s->ciphers[i]];

		if (cipher->ecdsa == ecdsa)
			text_printf(text, ":+%s", cipher->gnutls);
	}
}

static void ciphers_add(struct text *text, const struct settings *s, bool ecdsa)
{
	size_t count = CIPHERS_ALL;

	if (s->ciphers_set) {
		listed_add(text, s, ecdsa);
		count = s->max_version == TLS_13 ? CIPHERS_AEAD : 0;
	}
	/* GnuTLS ignores a cipher that is already in the list. */
	for (size_t i = 0; i < count; i++)
		text_printf(text, ":+%s", ciphers[i]);
	text_puts(text, ":+AEAD:+SHA1");
}

static void versions_add(struct text *text, const struct settings *s)
{
	static const char *const names[] = {
		[TLS_10] = "1.0", [TLS_11] = "1.1", [TLS_12] = "1.2", [TLS_13] = "1.3"
	};

	for (int version = (int)s->max_version; version >= (int)s->min_version; version--)
		text_printf(text, ":+VERS-TLS%s", names[version]);
}

static void curves_add(struct text *text, const struct settings *s)
{
	for (size_t i = 0; i < s->curve_count; i++)
		text_printf(text, ":+GROUP-%s", SETTINGS_CURVES[s->curves[i]].gnutls);
	for (size_t i = 0; i < CURVES_MAX && !s->curve_count; i++)
		text_printf(text, ":+GROUP-%s", SETTINGS_CURVES[i].gnutls);
}

int tls_priority_string(const struct settings *s, bool ecdsa, char **string)
{
	struct text text = { 0 };

	text_puts(&text, "NONE:+CTYPE-X509:+COMP-NULL:+ECDHE-ECDSA:+ECDHE-RSA:+SIGN-ALL");
	if (s->min_version < TLS_12)
		text_puts(&text, ":+SIGN-RSA-SHA1:+SIGN-ECDSA-SHA1");
	versions_add(&text, s);
	ciphers_add(&text, s, ecdsa);
	curves_add(&text, s);
	if (s->ciphers_set || !s->client_prefers)
		text_puts(&text, ":%SERVER_PRECEDENCE");
	text_add(&text, "", 1);
	if (text.error) {
		text_free(&text);
		return -ENOMEM;
	}
	*string = text.data;
	return 0;
}

bool tls_suite_allowed(const struct tls *tls, const gnutls_datum_t *hello)
{
	enum { SESSION_LENGTH = 2 + 32 }; /* offset, after version and random */
	const struct settings *s = tls->settings;
	size_t at = hello->size > SESSION_LENGTH ? SESSION_LENGTH + 1u + hello->data[SESSION_LENGTH]
						 : SIZE_MAX - 2;
	unsigned int number;

	if (at + 2 > hello->size)
		return false;
	number = (unsigned int)hello->data[at] << 8 | hello->data[at + 1];
	if (number >> 8 == 0x13) /* a suite of TLS 1.3 */
		return true;
	for (size_t i = 0; i < s->cipher_count; i++)
		if (SETTINGS_CIPHERS[s->ciphers[i]].number == number)
			return true;
	return false;
}
