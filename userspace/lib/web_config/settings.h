/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What --web.config.file says, in the format of Prometheus's exporter-toolkit. Parsing touches no
 * file: whoever holds the right to read them hands their contents in.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTINGS_SIZE_MAX (256 * 1024) /* of the file */
#define SETTINGS_PEM_MAX (1024 * 1024) /* of each file that it names */
#define SETTINGS_USERS_MAX 256
#define SETTINGS_SANS_MAX 256
#define SETTINGS_WHY 256
#define SETTINGS_NOTES 3

enum settings_pem { PEM_CERT, PEM_KEY, PEM_CLIENT_CA, PEM_MAX };

enum client_auth {
	CLIENT_AUTH_NONE,
	CLIENT_AUTH_REQUEST,	     /* asked for, nothing is checked */
	CLIENT_AUTH_REQUIRE_ANY,     /* there must be one, it is not checked */
	CLIENT_AUTH_VERIFY_IF_GIVEN, /* checked when there is one */
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
	char *text[PEM_MAX]; /* PEM as it stands in the file … */
	char *file[PEM_MAX]; /* … or the name of a file; NULL: not set */
	bool client_auth_set;
	enum client_auth client_auth;
	char *sans[SETTINGS_SANS_MAX];
	size_t san_count;
	bool sans_set;
	enum tls_version min_version, max_version;
	bool ciphers_set;
	uint8_t ciphers[CIPHERS_MAX]; /* of TLS up to 1.2: rows of SETTINGS_CIPHERS, as they are
					 preferred */
	size_t cipher_count;
	uint8_t curves[CURVES_MAX];
	size_t curve_count;
	bool client_prefers; /* prefer_server_cipher_suites: false */

	char *headers[HEADER_MAX]; /* NULL: none */
	struct settings_user users[SETTINGS_USERS_MAX];
	size_t user_count;
	uint64_t rate_interval_ns; /* 0: no limit */
	uint32_t rate_burst;

	const char *notes[SETTINGS_NOTES]; /* what is there and cannot be had: a line each */
	size_t note_count;
};

/* Go's name of a TLS 1.2 suite, and what it is made of. */
struct settings_cipher {
	const char *name;
	uint16_t number;    /* IANA's */
	bool ecdsa;	    /* for certificates with such a key, and Ed25519's; else RSA's */
	const char *gnutls; /* the cipher's name in a priority string */
};
extern const struct settings_cipher SETTINGS_CIPHERS[CIPHERS_MAX];

struct settings_curve {
	const char *name, *gnutls;
};
extern const struct settings_curve SETTINGS_CURVES[CURVES_MAX];

/* "Strict-Transport-Security", … */
const char *settings_header_name(enum settings_header header);

/* The keys that hold PEM and name files: "cert" and "cert_file", … */
const char *settings_pem_key(enum settings_pem pem);

/* Whether connections are to be TLS. */
bool settings_tls(const struct settings *s);

/*
 * Reads a whole file. Returns NULL with one line in `why` when it is refused. settings_free gives
 * it back, and wipes what is secret.
 */
struct settings *settings_parse(const char *bytes, size_t size, char why[static SETTINGS_WHY]);
void settings_free(struct settings *s);

/* A duration of Go, as in "1s", "1m30s", "0.5h" or "0". Returns 0 or -EINVAL. */
int settings_duration(const char *text, uint64_t *ns);

/* Whether it is a hash of bcrypt that libxcrypt can check; then its cost (4 … 31) too. */
bool settings_bcrypt(const char *hash, unsigned int *cost);
