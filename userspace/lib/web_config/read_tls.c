// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "lib/web_config/read.h"

static const char *client_auth_name(size_t index)
{
	/* RequireClientCert: an old name of the toolkit's. */
	static const char *const names[] = { "NoClientCert",
					     "RequestClientCert",
					     "RequireAnyClientCert",
					     "VerifyClientCertIfGiven",
					     "RequireAndVerifyClientCert",
					     "RequireClientCert" };

	return names[index];
}

static int client_auth_read(struct yaml *y, struct settings *s)
{
	const char *value;
	size_t index;
	int err = yaml_string(y, &value, NULL);

	if (err || !*value)
		return err;
	err = yaml_word(y, &index, "client_auth_type", client_auth_name, 6);
	if (err)
		return err;
	s->client_auth_set = true;
	s->client_auth = index == 5 ? CLIENT_AUTH_REQUIRE_ANY : (enum client_auth)index;
	return 0;
}

static const char *version_name(size_t index)
{
	static const char *const names[] = { "TLS10", "TLS11", "TLS12", "TLS13" };

	return names[index];
}

static int version_read(struct yaml *y, enum tls_version *version)
{
	size_t index;
	int err = yaml_word(y, &index, "version of TLS", version_name, 4);

	if (!err)
		*version = (enum tls_version)(TLS_10 + index);
	return err;
}

static const char *cipher_name(size_t index)
{
	/* Go knows these as suites too, but they cannot be chosen: TLS 1.3 has all of them always. */
	static const char *const always[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
					      "TLS_CHACHA20_POLY1305_SHA256" };

	return index < CIPHERS_MAX ? SETTINGS_CIPHERS[index].name : always[index - CIPHERS_MAX];
}

static int index_add(struct yaml *y, uint8_t *list, size_t *count, size_t index)
{
	for (size_t i = 0; i < *count; i++)
		if (list[i] == index)
			return yaml_refuse(y, "comes twice in its list");
	list[(*count)++] = (uint8_t)index;
	return 0;
}

static int cipher_read(struct yaml *y, void *closure)
{
	struct settings *s = closure;
	size_t index;
	int err = yaml_word(y, &index, "or insecure cipher suite", cipher_name, CIPHERS_MAX + 3);

	if (err)
		return err;
	s->ciphers_set = true;
	return index < CIPHERS_MAX ? index_add(y, s->ciphers, &s->cipher_count, index) : 0;
}

static const char *curve_name(size_t index)
{
	return SETTINGS_CURVES[index].name;
}

static int curve_read(struct yaml *y, void *closure)
{
	struct settings *s = closure;
	size_t index;
	int err = yaml_word(y, &index, "curve", curve_name, CURVES_MAX);

	return err ? err : index_add(y, s->curves, &s->curve_count, index);
}

static int san_read(struct yaml *y, void *closure)
{
	struct settings *s = closure;
	int err = yaml_copy(y, &s->sans[s->san_count]);

	if (!err && s->sans[s->san_count])
		s->san_count++;
	return err;
}

static int server_prefers_read(struct yaml *y, struct settings *s)
{
	bool prefers = true;
	int err = yaml_bool(y, &prefers);

	s->client_prefers = !prefers;
	return err;
}

static int pem_read(struct yaml *y, struct settings *s, const char *key)
{
	for (int i = 0; i < PEM_MAX; i++) {
		size_t length = strlen(settings_pem_key((enum settings_pem)i));

		if (strncmp(key, settings_pem_key((enum settings_pem)i), length) != 0)
			continue;
		if (!key[length])
			return yaml_copy(y, &s->text[i]);
		if (!strcmp(key + length, "_file"))
			return yaml_copy(y, &s->file[i]);
	}
	return yaml_refuse(y, "tls_server_config: unknown key %.60s", key);
}

int settings_read_tls(struct yaml *y, void *closure, const char *key)
{
	struct settings *s = closure;

	if (!strcmp(key, "client_auth_type"))
		return client_auth_read(y, s);
	if (!strcmp(key, "min_version"))
		return version_read(y, &s->min_version);
	if (!strcmp(key, "max_version"))
		return version_read(y, &s->max_version);
	if (!strcmp(key, "cipher_suites"))
		return yaml_list(y, cipher_read, s);
	if (!strcmp(key, "curve_preferences"))
		return yaml_list(y, curve_read, s);
	if (!strcmp(key, "prefer_server_cipher_suites"))
		return server_prefers_read(y, s);
	if (!strcmp(key, "client_allowed_sans")) {
		s->sans_set = true;
		return yaml_list(y, san_read, s);
	}
	return pem_read(y, s, key);
}
