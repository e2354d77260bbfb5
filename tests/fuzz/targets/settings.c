// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/lib/web_config: a file is accepted, or refused with a reason of one line. Accepted
 * settings are complete, within their bounds, and the same when the file is read again.
 */
#include "fuzz.h"

#include "lib/web_config/settings.h"

static void check_taken(const struct settings *s)
{
	unsigned int cost;

	CHECK(s->user_count <= SETTINGS_USERS_MAX && s->san_count <= SETTINGS_SANS_MAX);
	CHECK(s->cipher_count <= CIPHERS_MAX && s->curve_count <= CURVES_MAX &&
	      s->note_count <= SETTINGS_NOTES);
	CHECK(s->min_version >= TLS_10 && s->min_version <= s->max_version &&
	      s->max_version <= TLS_13);
	for (size_t i = 0; i < s->user_count; i++)
		CHECK(settings_bcrypt(s->users[i].hash, &cost) && cost >= 4 && cost <= 31 &&
		      !strchr(s->users[i].name, ':'));
	for (size_t i = 0; i < s->cipher_count; i++)
		CHECK(s->ciphers[i] < CIPHERS_MAX);
	for (size_t i = 0; i < s->curve_count; i++)
		CHECK(s->curves[i] < CURVES_MAX);
	for (int i = 0; i < HEADER_MAX; i++)
		for (const char *c = s->headers[i]; c && *c; c++)
			CHECK((unsigned char)*c >= ' ' && *c != 0x7f, "header %d", i);
	if (!settings_tls(s))
		return;
	CHECK(!s->text[PEM_CERT] != !s->file[PEM_CERT] && !s->text[PEM_KEY] != !s->file[PEM_KEY]);
	CHECK(!s->sans_set || s->client_auth == CLIENT_AUTH_REQUIRE_ANY ||
	      s->client_auth == CLIENT_AUTH_REQUIRE_AND_VERIFY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy(data, size), why[SETTINGS_WHY], again[SETTINGS_WHY];
	struct settings *s = settings_parse(copy, size, why),
			*t = settings_parse(copy, size, again);

	CHECK(!s == !t && !strcmp(why, again), "%s, then %s", why, again);
	CHECK(memchr(why, '\0', sizeof(why)) && !s == !!*why, "%s", why);
	if (s)
		check_taken(s);
	settings_free(s);
	settings_free(t);
	free(copy);
	return 0;
}
