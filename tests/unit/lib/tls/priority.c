// SPDX-License-Identifier: Apache-2.0
#include "lib/tls/parts.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char why[SETTINGS_WHY];

static struct settings *parse(const char *keys)
{
	char text[1024];
	struct settings *s;

	snprintf(text, sizeof(text), "tls_server_config: {cert: a, key: b, %s}", keys);
	s = settings_parse(text, strlen(text), why);
	cr_assert(s, "%s", why);
	return s;
}

static void expect(const char *keys, bool ecdsa, const char *has, const char *has_not)
{
	struct settings *s = parse(keys);
	gnutls_priority_t priority;
	char *string = NULL;

	cr_assert_eq(tls_priority_string(s, ecdsa, &string), 0);
	cr_expect(strstr(string, has), "%s: no %s in %s", keys, has, string);
	cr_expect_null(strstr(string, has_not), "%s: %s in %s", keys, has_not, string);
	cr_assert_eq(gnutls_priority_init(&priority, string, NULL), 0, "%s", string);
	gnutls_priority_deinit(priority);
	free(string);
	settings_free(s);
}

Test(priority, says_what_the_settings_want)
{
	expect("", false, ":+VERS-TLS1.3:+VERS-TLS1.2:", "VERS-TLS1.1");
	expect("min_version: TLS10", false, ":+VERS-TLS1.1:+VERS-TLS1.0:", "X448");
	expect("max_version: TLS12", false, ":+VERS-TLS1.2:", "VERS-TLS1.3");
	expect("curve_preferences: [CurveP384]", false, ":+GROUP-SECP384R1", "GROUP-X25519");
	expect("prefer_server_cipher_suites: false", false, ":+AES-128-GCM", "SERVER_PRECEDENCE");
	expect("cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "
	       "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA]",
	       false, ":+AES-256-GCM:+AES-128-GCM:", "CBC");
	expect("max_version: TLS12, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA]", true,
	       ":+AES-128-CBC:", "GCM");
}

Test(priority, hello)
{
	struct settings *s = parse("cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]");
	struct tls tls = { .settings = s };
	unsigned char bytes[80] = { 3, 3, [34] = 32, [67] = 0xc0, [68] = 0x2f };
	gnutls_datum_t hello = { bytes, sizeof(bytes) };

	cr_expect(tls_suite_allowed(&tls, &hello));
	bytes[68] = 0x30;
	cr_expect_not(tls_suite_allowed(&tls, &hello));
	bytes[67] = 0x13;
	bytes[68] = 0x01;
	cr_expect(tls_suite_allowed(&tls, &hello), "of TLS 1.3");
	bytes[34] = 0;
	bytes[35] = 0xc0;
	bytes[36] = 0x2f;
	cr_expect(tls_suite_allowed(&tls, &hello), "without a session");
	for (unsigned int size = 0; size < 37; size++) {
		hello.size = size;
		cr_expect_not(tls_suite_allowed(&tls, &hello), "cut at %u", size);
	}
	bytes[34] = 255;
	hello.size = sizeof(bytes);
	cr_expect_not(tls_suite_allowed(&tls, &hello));
	settings_free(s);
}
