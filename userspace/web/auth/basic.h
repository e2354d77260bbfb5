/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the Authorization header of basic authentication. */
#pragma once

#define BASIC_USER_SIZE 256	/* with the NUL, as the next one */
#define BASIC_PASSWORD_SIZE 512 /* CRYPT_MAX_PASSPHRASE_SIZE */

struct basic {
	char user[BASIC_USER_SIZE], password[BASIC_PASSWORD_SIZE];
};

/*
 * Parses the header into user and password. Returns 0, or -EINVAL for another scheme, a malformed
 * or a too long value.
 */
int basic_parse(struct basic *basic, const char *header);
