// SPDX-License-Identifier: Apache-2.0
#include "lib/web_config/settings.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
#define TLS "tls_server_config:\n  cert_file: a\n  key_file: b\n"

static char why[SETTINGS_WHY];

static struct settings *parse(const char *text)
{
	char *copy = malloc(strlen(text) + 1); /* of exactly that size, for ASan */
	struct settings *s;

	memcpy(copy, text, strlen(text));
	s = settings_parse(copy, strlen(text), why);
	free(copy);
	return s;
}

static void expect_refused(const char *text, const char *reason)
{
	struct settings *s = parse(text);

	cr_expect_null(s, "%s", text);
	cr_expect(strstr(why, reason), "%s: %s", text, why);
	cr_expect_null(strchr(why, '\n'));
	settings_free(s);
}

Test(settings, nothing_is_nothing)
{
	static const char *const texts[] = {
		"",
		"\n",
		"# only a comment\n",
		"---\n",
		"{}",
		"~",
		"null",
		"basic_auth_users:\ntls_server_config:\n",
		"http_server_config: {headers: , http2: }\nrate_limit: {}\n"
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct settings *s = parse(texts[i]);

		cr_assert(s, "%s: %s", texts[i], why);
		cr_expect_not(settings_tls(s));
		cr_expect_eq(s->user_count, 0);
		cr_expect_eq(s->min_version, TLS_12);
		cr_expect_eq(s->max_version, TLS_13);
		cr_expect_eq(s->rate_interval_ns, 0);
		settings_free(s);
	}
}

Test(settings, everything)
{
	struct settings *s = parse("tls_server_config:\n"
				   "  cert_file: /a.pem\n"
				   "  key: |\n"
				   "    line 1\n"
				   "    line 2\n"
				   "  client_auth_type: \"RequireAndVerifyClientCert\"\n"
				   "  client_ca_file: 'ca.pem'\n"
				   "  client_allowed_sans: [a.example, \"b\"]\n"
				   "  min_version: TLS11\n"
				   "  max_version: TLS12\n"
				   "  cipher_suites:\n"
				   "  - TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384\n"
				   "  - TLS_AES_128_GCM_SHA256\n"
				   "  - TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA\n"
				   "  prefer_server_cipher_suites: no\n"
				   "  curve_preferences: [CurveP384, X25519]\n"
				   "http_server_config:\n"
				   "  http2: true\n"
				   "  headers: {X-Frame-Options: deny, X-XSS-Protection: ''}\n"
				   "basic_auth_users:\n"
				   "  alice: " HASH "\n"
				   "  \"bob b\": \"" HASH "\"\n"
				   "rate_limit: {interval: 1m30s, burst: 20}\n");

	cr_assert(s, "%s", why);
	cr_expect(settings_tls(s));
	cr_expect_str_eq(s->file[PEM_CERT], "/a.pem");
	cr_expect_str_eq(s->text[PEM_KEY], "line 1\nline 2\n");
	cr_expect_str_eq(s->file[PEM_CLIENT_CA], "ca.pem");
	cr_expect_eq(s->client_auth, CLIENT_AUTH_REQUIRE_AND_VERIFY);
	cr_expect_eq(s->san_count, 2);
	cr_expect_str_eq(s->sans[1], "b");
	cr_expect_eq(s->min_version, TLS_11);
	cr_expect_eq(s->max_version, TLS_12);
	cr_expect_eq(s->cipher_count, 2);
	cr_expect_str_eq(SETTINGS_CIPHERS[s->ciphers[0]].gnutls, "AES-256-GCM");
	cr_expect_eq(s->curve_count, 2);
	cr_expect_str_eq(SETTINGS_CURVES[s->curves[0]].gnutls, "SECP384R1");
	cr_expect_str_eq(s->headers[HEADER_FRAME], "deny");
	cr_expect_null(s->headers[HEADER_XSS]);
	cr_expect_eq(s->user_count, 2);
	cr_expect_str_eq(s->users[1].name, "bob b");
	cr_expect_eq(s->rate_interval_ns, 90000000000);
	cr_expect_eq(s->rate_burst, 20);
	cr_expect_eq(s->note_count, 2);
	settings_free(s);
}

Test(settings, refused)
{
	expect_refused("a: 1", "line 1: unknown key a");
	expect_refused(TLS "  cert_file: c\n", "line 4: duplicate key cert_file");
	expect_refused("tls_server_config: [a]\n", "keys with values");
	expect_refused("tls_server_config: {cert_file: [a], key_file: b}", "single value");
	expect_refused(TLS "  cipher_suites: TLS\n", "expected a list");
	expect_refused(TLS "  client_auth_type: requireanyclientcert\n",
		       "unknown client_auth_type requireanyclientcert");
	expect_refused("basic_auth_users: {a: '$2y$10$x'}", "user a: not a bcrypt hash");
	expect_refused("basic_auth_users: {a: }", "user a: not a bcrypt hash");
	expect_refused("basic_auth_users: {'a:b': " HASH "}", "colon");
	expect_refused("http_server_config: {http2: 'true'}", "not a boolean");
	expect_refused("? [a]\n: b\n", "single value");
	expect_refused("basic_auth_users: {\"a\\0b\": x}", "NUL");
	expect_refused("\"unterminated", "line");
	expect_refused("rate_limit: {interval: 1s, burst: -1}", "burst must be");
}

Test(settings, too_many)
{
	char *text = malloc(64 * 1024);
	size_t length = (size_t)sprintf(text, "basic_auth_users:\n");

	for (int i = 0; i <= SETTINGS_USERS_MAX; i++)
		length += (size_t)sprintf(text + length, "  user%d: " HASH "\n", i);
	expect_refused(text, "more than 256 entries");
	length = (size_t)sprintf(
		text, TLS "  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: [");
	for (int i = 0; i <= SETTINGS_SANS_MAX; i++)
		length += (size_t)sprintf(text + length, "x%d, ", i);
	sprintf(text + length, "]\n");
	expect_refused(text, "more than 256 entries");
	free(text);
}

Test(settings, duration)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = { { "0", 0 },
		     { "1s", 1000000000 },
		     { "1.5s", 1500000000 },
		     { "250ms", 250000000 },
		     { "2h45m", 9900000000000 },
		     { "10us", 10000 },
		     { "7ns", 7 },
		     { "0s", 0 } };
	static const char *const bad[] = { "",	  "1",	"s",	"-1s",		"1 s", "1x",
					   "1s ", ".s", "1e3s", "99999999999h", "nan" };
	uint64_t ns;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		cr_expect_eq(settings_duration(good[i].text, &ns), 0, "%s", good[i].text);
		cr_expect_eq(ns, good[i].ns, "%s", good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(settings_duration(bad[i], &ns), -EINVAL, "%s", bad[i]);
}

Test(settings, bcrypt)
{
	unsigned int cost = 0;

	cr_expect(settings_bcrypt(HASH, &cost));
	cr_expect_eq(cost, 10);
	cr_expect_not(settings_bcrypt("", NULL));
	cr_expect_not(settings_bcrypt("$", NULL));
	cr_expect_not(settings_bcrypt("$2", NULL));
	cr_expect_not(settings_bcrypt("$2y$", NULL));
	cr_expect_not(settings_bcrypt(HASH "x", NULL));
	cr_expect_not(settings_bcrypt(
		"$2y$03$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG", NULL));
	cr_expect_not(settings_bcrypt(
		"$2y$32$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG", NULL));
	cr_expect_not(settings_bcrypt(
		"$2z$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG", NULL));
	cr_expect_not(settings_bcrypt(
		"$2y$10$X0h1gDsPszWURQaxFh!zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG", NULL));
}
