/* SPDX-License-Identifier: Apache-2.0 */
/* The Authorization header of basic authentication. */
#pragma once

#define BASIC_USER_SIZE 256	/* with their NUL */
#define BASIC_PASSWORD_SIZE 512 /* CRYPT_MAX_PASSPHRASE_SIZE */

struct basic {
	char user[BASIC_USER_SIZE], password[BASIC_PASSWORD_SIZE];
};

/*
 * Takes a header apart. -EINVAL when it is of another scheme, malformed, or longer than any that
 * can be right.
 */
int basic_parse(struct basic *basic, const char *header);
