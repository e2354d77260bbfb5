// SPDX-License-Identifier: Apache-2.0
#include "lib/web_config/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *client_auth_name(size_t index)
{
	/* RequireClientCert: an old name in exporter-toolkit. */
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
	int r = yaml_string(y, &value, NULL);

	if (r || !*value)
		return r;
	r = yaml_word(y, &index, "client_auth_type", client_auth_name, 6);
	if (r)
		return r;
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
	int r = yaml_word(y, &index, "TLS version", version_name, 4);

	if (!r)
		*version = (enum tls_version)(TLS_10 + index);
	return r;
}

static const char *cipher_name(size_t index)
{
	/*
	 * Go accepts these names too, but they have no effect: TLS 1.3 always offers all of them.
	 */
	static const char *const always[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
					      "TLS_CHACHA20_POLY1305_SHA256" };

	return index < CIPHERS_MAX ? SETTINGS_CIPHERS[index].name : always[index - CIPHERS_MAX];
}

static int index_add(struct yaml *y, uint8_t *list, size_t *count, size_t index)
{
	for (size_t i = 0; i < *count; i++)
		if (list[i] == index)
			return yaml_refuse(y, "duplicate list entry");
	list[(*count)++] = (uint8_t)index;
	return 0;
}

static int cipher_read(struct yaml *y, void *closure)
{
	struct settings *s = closure;
	size_t index;
	int r = yaml_word(y, &index, "or insecure cipher suite", cipher_name, CIPHERS_MAX + 3);

	if (r)
		return r;
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
	int r = yaml_word(y, &index, "curve", curve_name, CURVES_MAX);

	return r ? r : index_add(y, s->curves, &s->curve_count, index);
}

static int san_read(struct yaml *y, void *closure)
{
	struct settings *s = closure;
	int r = yaml_copy(y, &s->sans[s->san_count]);

	if (!r && s->sans[s->san_count])
		s->san_count++;
	return r;
}

static int server_prefers_read(struct yaml *y, struct settings *s)
{
	bool prefers = true;
	int r = yaml_bool(y, &prefers);

	s->client_prefers = !prefers;
	return r;
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

/* Reads one key of tls_server_config. */
static int tls_read(struct yaml *y, void *closure, const char *key)
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

/* ---- http_server_config ---- */

static const char *header_name(size_t index)
{
	return settings_header_name((enum settings_header)index);
}

/* Refuses control characters, which could end the header and start another one. */
static bool header_valid(const char *value)
{
	for (; *value; value++)
		if ((unsigned char)*value < ' ' || *value == 0x7f)
			return false;
	return true;
}

static int header_read(struct yaml *y, void *closure, const char *key)
{
	struct settings *s = closure;
	const char *value;
	size_t i = 0;
	int r = yaml_string(y, &value, NULL);

	while (i < HEADER_MAX && strcmp(key, header_name(i)) != 0)
		i++;
	if (i == HEADER_MAX)
		return yaml_refuse(y, "header %.60s is not supported", key);
	if (r)
		return r;
	if (!header_valid(value))
		return yaml_refuse(y, "header %s contains a control character", key);
	if (i == HEADER_CONTENT_TYPE && *value && strcmp(value, "nosniff") != 0)
		return yaml_refuse(y, "%s must be nosniff", key);
	if (i == HEADER_FRAME && *value && strcmp(value, "deny") != 0 &&
	    strcmp(value, "sameorigin") != 0)
		return yaml_refuse(y, "%s must be deny or sameorigin", key);
	return yaml_copy(y, &s->headers[i]);
}

static int http_read(struct yaml *y, void *closure, const char *key)
{
	struct settings *s = closure;
	bool http2 = false;
	int r;

	if (!strcmp(key, "headers"))
		return yaml_mapping(y, header_read, s);
	if (strcmp(key, "http2") != 0)
		return yaml_refuse(y, "http_server_config: unknown key %.60s", key);
	r = yaml_bool(y, &http2);
	if (http2)
		s->notes[s->note_count++] = "http2: only HTTP/1.1 is supported";
	return r;
}

/* ---- the other sections ---- */

static int user_read(struct yaml *y, void *closure, const char *key)
{
	struct settings *s = closure;
	struct settings_user *user = &s->users[s->user_count];
	const char *hash;
	int r = yaml_string(y, &hash, NULL);

	if (r)
		return r;
	if (strchr(key, ':'))
		return yaml_refuse(y, "user %.60s: a user name must not contain a colon", key);
	if (!settings_bcrypt(hash, NULL))
		return yaml_refuse(y, "user %.60s: not a bcrypt hash", key);
	user->name = strdup(key);
	user->hash = strdup(hash);
	s->user_count++;
	return user->name && user->hash ? 0 : yaml_refuse(y, "out of memory");
}

static int rate_read(struct yaml *y, void *closure, const char *key)
{
	struct settings *s = closure;
	const char *value;
	char *end;
	unsigned long burst;
	int r = yaml_string(y, &value, NULL);

	if (r)
		return r;
	if (!strcmp(key, "interval"))
		return !*value || !settings_duration(value, &s->rate_interval_ns)
			       ? 0
			       : yaml_refuse(y, "rate_limit: %.40s is not a duration (example: 1s)",
					     value);
	if (strcmp(key, "burst") != 0)
		return yaml_refuse(y, "rate_limit: unknown key %.60s", key);
	if (!*value)
		return 0;
	errno = 0;
	burst = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || burst > 1000000000)
		return yaml_refuse(y, "rate_limit: burst must be 0 to 1000000000, not %.40s",
				   value);
	s->rate_burst = (uint32_t)burst;
	return 0;
}

static int section_read(struct yaml *y, void *closure, const char *key)
{
	if (!strcmp(key, "tls_server_config"))
		return yaml_mapping(y, tls_read, closure);
	if (!strcmp(key, "http_server_config"))
		return yaml_mapping(y, http_read, closure);
	if (!strcmp(key, "basic_auth_users"))
		return yaml_mapping(y, user_read, closure);
	if (!strcmp(key, "rate_limit"))
		return yaml_mapping(y, rate_read, closure);
	return yaml_refuse(y, "unknown key %.60s", key);
}

int settings_read(struct yaml *y, struct settings *s)
{
	return yaml_mapping(y, section_read, s);
}
