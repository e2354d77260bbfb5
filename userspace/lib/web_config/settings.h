/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of --web.config.file, in the format of Prometheus's exporter-toolkit. Parsing opens
 * no file: the caller passes the contents.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTINGS_SIZE_MAX (256 * 1024) /* bytes of --web.config.file */
#define SETTINGS_PEM_MAX (1024 * 1024) /* bytes of each file that it names */
#define SETTINGS_USERS_MAX 256
#define SETTINGS_SANS_MAX 256
#define SETTINGS_WHY 256 /* size of an error message, with its NUL */
#define SETTINGS_NOTES 3

enum settings_pem { PEM_CERT, PEM_KEY, PEM_CLIENT_CA, PEM_MAX };

enum client_auth {
	CLIENT_AUTH_NONE,
	CLIENT_AUTH_REQUEST,	     /* requested, optional, not verified */
	CLIENT_AUTH_REQUIRE_ANY,     /* required, not verified */
	CLIENT_AUTH_VERIFY_IF_GIVEN, /* optional, verified if present */
	CLIENT_AUTH_REQUIRE_AND_VERIFY
};

enum tls_version { TLS_DEFAULT, TLS_10, TLS_11, TLS_12, TLS_13 };

enum settings_header {
	HEADER_STRICT_TRANSPORT,
	HEADER_CONTENT_TYPE,
	HEADER_FRAME,
	HEADER_XSS,
	HEADER_CONTENT_SECURITY,
	HEADER_MAX
};

#define CIPHERS_MAX 10
#define CURVES_MAX 4

struct settings_user {
	char *name, *hash;
};

struct settings {
	char *text[PEM_MAX]; /* inline PEM; NULL: not set */
	char *file[PEM_MAX]; /* name of a PEM file; NULL: not set */
	bool client_auth_set;
	enum client_auth client_auth;
	char *sans[SETTINGS_SANS_MAX];
	size_t san_count;
	bool sans_set;
	enum tls_version min_version, max_version;
	bool ciphers_set;
	uint8_t ciphers[CIPHERS_MAX]; /* up to TLS 1.2: rows of SETTINGS_CIPHERS, in the order of
					 preference */
	size_t cipher_count;
	uint8_t curves[CURVES_MAX];
	size_t curve_count;
	bool client_prefers; /* prefer_server_cipher_suites: false */

	char *headers[HEADER_MAX]; /* NULL: none */
	struct settings_user users[SETTINGS_USERS_MAX];
	size_t user_count;
	uint64_t rate_interval_ns; /* time between two requests; 0: no limit */
	uint32_t rate_burst;

	const char *notes[SETTINGS_NOTES]; /* settings without effect: one line each, literals */
	size_t note_count;
};

/* A cipher suite up to TLS 1.2, by Go's name. */
struct settings_cipher {
	const char *name;
	uint16_t number;    /* IANA's */
	bool ecdsa;	    /* for certificates with an ECDSA or Ed25519 key; false: RSA */
	const char *gnutls; /* the cipher's name in a priority string */
};
extern const struct settings_cipher SETTINGS_CIPHERS[CIPHERS_MAX];

struct settings_curve {
	const char *name, *gnutls;
};
extern const struct settings_curve SETTINGS_CURVES[CURVES_MAX];

/* "Strict-Transport-Security", … */
const char *settings_header_name(enum settings_header header);

/* The key of inline PEM ("cert"); with "_file" appended, the key of the file name. */
const char *settings_pem_key(enum settings_pem pem);

/* Whether the settings enable TLS. */
bool settings_tls(const struct settings *s);

/*
 * Parses the contents of --web.config.file. Returns NULL with a one-line reason in `why` if they
 * are invalid. settings_free frees the result and wipes its secrets; NULL is allowed.
 */
struct settings *settings_parse(const char *bytes, size_t size, char why[static SETTINGS_WHY]);
void settings_free(struct settings *s);

/* Parses a Go duration such as "1s", "1m30s", "0.5h" or "0". Returns 0 or -EINVAL. */
int settings_duration(const char *text, uint64_t *ns);

/*
 * Whether `hash` is a bcrypt hash that libxcrypt can check. Then *cost is its cost (4 … 31); `cost`
 * may be NULL.
 */
bool settings_bcrypt(const char *hash, unsigned int *cost);
