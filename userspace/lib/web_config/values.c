// SPDX-License-Identifier: Apache-2.0
/* The values of the format: cipher suites, curves, headers, durations, hashes. */
#include "lib/web_config/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/time.h"

#define DURATION_MAX_NS (UINT64_MAX / 4)
#define BCRYPT_SALT_AND_HASH 53

const struct settings_cipher SETTINGS_CIPHERS[CIPHERS_MAX] = {
	{ "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", 0xc009, true, "AES-128-CBC" },
	{ "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", 0xc00a, true, "AES-256-CBC" },
	{ "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 0xc013, false, "AES-128-CBC" },
	{ "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", 0xc014, false, "AES-256-CBC" },
	{ "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0xc02b, true, "AES-128-GCM" },
	{ "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0xc02c, true, "AES-256-GCM" },
	{ "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xc02f, false, "AES-128-GCM" },
	{ "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0xc030, false, "AES-256-GCM" },
	{ "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca8, false, "CHACHA20-POLY1305" },
	{ "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca9, true, "CHACHA20-POLY1305" },
};

const struct settings_curve SETTINGS_CURVES[CURVES_MAX] = {
	{ "X25519", "X25519" },
	{ "CurveP256", "SECP256R1" },
	{ "CurveP384", "SECP384R1" },
	{ "CurveP521", "SECP521R1" },
};

const char *settings_header_name(enum settings_header header)
{
	static const char *const names[HEADER_MAX] = {
		[HEADER_STRICT_TRANSPORT] = "Strict-Transport-Security",
		[HEADER_CONTENT_TYPE] = "X-Content-Type-Options",
		[HEADER_FRAME] = "X-Frame-Options",
		[HEADER_XSS] = "X-XSS-Protection",
		[HEADER_CONTENT_SECURITY] = "Content-Security-Policy",
	};

	return names[header];
}

const char *settings_pem_key(enum settings_pem pem)
{
	static const char *const names[PEM_MAX] = { "cert", "key", "client_ca" };

	return names[pem];
}

bool settings_tls(const struct settings *s)
{
	for (int i = 0; i < PEM_MAX; i++)
		if (s->text[i] || s->file[i])
			return true;
	return s->client_auth_set;
}

static uint64_t unit_find(const char **at)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "ns", 1 },
		      { "us", NS_PER_US },
		      { "\xc2\xb5s", NS_PER_US },
		      { "\xce\xbcs", NS_PER_US },
		      { "ms", NS_PER_MS },
		      { "s", NS_PER_S },
		      { "m", 60 * NS_PER_S },
		      { "h", 3600 * NS_PER_S } };

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

	if (hash[0] != '$' || hash[1] != '2' || !hash[2] || !strchr("abxy", hash[2]) ||
	    hash[3] != '$')
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
