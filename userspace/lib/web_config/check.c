// SPDX-License-Identifier: Apache-2.0
#include "lib/web_config/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wgsocks/time.h>

#define DURATION_MAX_NS (UINT64_MAX / 4)
#define BCRYPT_SALT_AND_HASH 53

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
			snprintf(why, SETTINGS_WHY, "tls_server_config: both %s and %s_file", key, key);
			return -EINVAL;
		}
		if (i != PEM_CLIENT_CA && !s->text[i] && !s->file[i]) {
			snprintf(why, SETTINGS_WHY, "tls_server_config: neither %s nor %s_file", key, key);
			return -EINVAL;
		}
	}
	return 0;
}

static int client_check(const struct settings *s, char *why)
{
	bool ca = s->text[PEM_CLIENT_CA] || s->file[PEM_CLIENT_CA];
	bool verifies =
		s->client_auth == CLIENT_AUTH_VERIFY_IF_GIVEN || s->client_auth == CLIENT_AUTH_REQUIRE_AND_VERIFY;
	bool requires = s->client_auth == CLIENT_AUTH_REQUIRE_ANY || s->client_auth == CLIENT_AUTH_REQUIRE_AND_VERIFY;

	if (ca && s->client_auth == CLIENT_AUTH_NONE)
		return refuse(why, "client_ca without a client_auth_type");
	/* Go would take the machine's own list of authorities, which nobody means who asks for client certificates. */
	if (verifies && !ca)
		return refuse(why, "this client_auth_type wants client_ca or client_ca_file");
	if (s->sans_set && !requires)
		return refuse(why, "client_allowed_sans wants client_auth_type RequireAnyClientCert or "
				   "RequireAndVerifyClientCert");
	return 0;
}

int settings_check(struct settings *s, char why[static SETTINGS_WHY])
{
	int err;

	if (!s->min_version)
		s->min_version = TLS_12;
	if (!s->max_version)
		s->max_version = TLS_13;
	if (s->min_version > s->max_version)
		return refuse(why, "min_version is above max_version");
	if (s->client_prefers && s->ciphers_set)
		s->notes[s->note_count++] =
			"prefer_server_cipher_suites: false means nothing beside cipher_suites, whose order is taken";
	if (s->rate_interval_ns && !s->rate_burst) {
		snprintf(why, SETTINGS_WHY, "rate_limit: a burst of 0 would let nobody in");
		return -EINVAL;
	}
	if (!settings_tls(s))
		return s->sans_set ? refuse(why, "client_allowed_sans without a certificate of the server") : 0;
	err = pem_check(s, why);
	return err ? err : client_check(s, why);
}

static uint64_t unit_find(const char **at)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "ns", 1 },	   { "us", NS_PER_US }, { "\xc2\xb5s", NS_PER_US }, { "\xce\xbcs", NS_PER_US },
		      { "ms", NS_PER_MS }, { "s", NS_PER_S },	{ "m", 60 * NS_PER_S },	    { "h", 3600 * NS_PER_S } };

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t length = strlen(units[i].name);

		if (strncmp(*at, units[i].name, length) != 0)
			continue;
		*at += length;
		return units[i].ns;
	}
	return 0;
}

int settings_duration(const char *text, uint64_t *ns)
{
	double sum = 0;

	if (!strcmp(text, "0")) {
		*ns = 0;
		return 0;
	}
	do {
		size_t length = strspn(text, "0123456789.");
		char *end;
		double value = strtod(text, &end);
		uint64_t unit;

		if (!length || end != text + length)
			return -EINVAL;
		text += length;
		unit = unit_find(&text);
		if (!unit)
			return -EINVAL;
		sum += value * (double)unit;
	} while (*text);
	if (sum > (double)DURATION_MAX_NS)
		return -EINVAL;
	*ns = (uint64_t)sum;
	return 0;
}

bool settings_bcrypt(const char *hash, unsigned int *cost)
{
	unsigned int rounds;

	if (hash[0] != '$' || hash[1] != '2' || !hash[2] || !strchr("abxy", hash[2]) || hash[3] != '$')
		return false;
	if (hash[4] < '0' || hash[4] > '3' || hash[5] < '0' || hash[5] > '9' || hash[6] != '$')
		return false;
	rounds = (unsigned int)(hash[4] - '0') * 10 + (unsigned int)(hash[5] - '0');
	if (rounds < 4 || rounds > 31)
		return false;
	if (cost)
		*cost = rounds;
	hash += 7;
	for (size_t i = 0; i < BCRYPT_SALT_AND_HASH; i++, hash++)
		if (!*hash || (!strchr("./", *hash) && !(*hash >= '0' && *hash <= '9') &&
			       !(*hash >= 'A' && *hash <= 'Z') && !(*hash >= 'a' && *hash <= 'z')))
			return false;
	return !*hash;
}
