// SPDX-License-Identifier: Apache-2.0
#include "lib/web_config/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/web_config/parts.h"
#include "lib/web_config/yaml.h"

static void secret_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	for (int i = 0; i < PEM_MAX; i++) {
		secret_free(s->text[i]);
		free(s->file[i]);
	}
	for (size_t i = 0; i < s->san_count; i++)
		free(s->sans[i]);
	for (int i = 0; i < HEADER_MAX; i++)
		free(s->headers[i]);
	for (size_t i = 0; i < s->user_count; i++) {
		free(s->users[i].name);
		secret_free(s->users[i].hash);
	}
	free(s);
}

static void settings_drop(struct settings **s)
{
	settings_free(*s);
}

static int refuse(char *why, const char *text)
{
	snprintf(why, SETTINGS_WHY, "tls_server_config: %s", text);
	return -EINVAL;
}

static int pem_check(const struct settings *s, char *why)
{
	for (int i = 0; i < PEM_MAX; i++) {
		const char *key = settings_pem_key((enum settings_pem)i);

		if (s->text[i] && s->file[i]) {
			snprintf(why, SETTINGS_WHY,
				 "tls_server_config: both %s and %s_file are set", key, key);
			return -EINVAL;
		}
		if (i != PEM_CLIENT_CA && !s->text[i] && !s->file[i]) {
			snprintf(why, SETTINGS_WHY,
				 "tls_server_config: neither %s nor %s_file is set", key, key);
			return -EINVAL;
		}
	}
	return 0;
}

static int client_check(const struct settings *s, char *why)
{
	bool ca = s->text[PEM_CLIENT_CA] || s->file[PEM_CLIENT_CA];
	bool verifies = s->client_auth == CLIENT_AUTH_VERIFY_IF_GIVEN ||
			s->client_auth == CLIENT_AUTH_REQUIRE_AND_VERIFY;
	bool requires = s->client_auth == CLIENT_AUTH_REQUIRE_ANY ||
			s->client_auth == CLIENT_AUTH_REQUIRE_AND_VERIFY;

	if (ca && s->client_auth == CLIENT_AUTH_NONE)
		return refuse(why, "client_ca needs a client_auth_type");
	/*
	 * Go would use the system's certificate authorities, which is never intended for client
	 * certificates.
	 */
	if (verifies && !ca)
		return refuse(why, "this client_auth_type needs client_ca or client_ca_file");
	if (s->sans_set && !requires)
		return refuse(why,
			      "client_allowed_sans needs client_auth_type RequireAnyClientCert or "
			      "RequireAndVerifyClientCert");
	return 0;
}

/*
 * Checks that the keys are consistent with each other, and sets defaults. Returns 0, or -EINVAL
 * with `why` set.
 */
static int settings_check(struct settings *s, char why[static SETTINGS_WHY])
{
	int r;

	if (!s->min_version)
		s->min_version = TLS_12;
	if (!s->max_version)
		s->max_version = TLS_13;
	if (s->min_version > s->max_version)
		return refuse(why, "min_version is above max_version");
	if (s->client_prefers && s->ciphers_set)
		s->notes[s->note_count++] = "prefer_server_cipher_suites: false has no effect "
					    "with cipher_suites, which sets the order";
	if (s->rate_interval_ns && !s->rate_burst) {
		snprintf(why, SETTINGS_WHY, "rate_limit: a burst of 0 refuses all requests");
		return -EINVAL;
	}
	if (!settings_tls(s))
		return s->sans_set ? refuse(why, "client_allowed_sans needs a server certificate")
				   : 0;
	r = pem_check(s, why);
	return r ? r : client_check(s, why);
}

static int document_read(struct settings *s, const char *bytes, size_t size, char *why)
{
	struct yaml y;
	bool empty;
	int r = yaml_open(&y, bytes, size, &empty, why, SETTINGS_WHY);

	if (!r && !empty) {
		r = settings_read(&y, s);
		if (!r)
			r = yaml_end(&y);
	}
	yaml_close(&y);
	return r;
}

struct settings *settings_parse(const char *bytes, size_t size, char why[static SETTINGS_WHY])
{
	_cleanup_(settings_drop) struct settings *s = calloc(1, sizeof(*s));

	*why = '\0';
	if (!s) {
		snprintf(why, SETTINGS_WHY, "out of memory");
		return NULL;
	}
	if (size > SETTINGS_SIZE_MAX) {
		snprintf(why, SETTINGS_WHY, "larger than %d KiB", SETTINGS_SIZE_MAX / 1024);
		return NULL;
	}
	if (document_read(s, bytes, size, why) || settings_check(s, why))
		return NULL;
	return TAKE_PTR(s);
}
