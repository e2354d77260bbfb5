// SPDX-License-Identifier: Apache-2.0
/* The words of the format: suites, curves and headers. */
#include "lib/web_config/settings.h"

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
