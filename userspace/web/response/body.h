/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of an answer, shared by all scrapes that get the same one and kept for the next when nobody reads it any
 * more.
 */
#pragma once

#include "lib/text/text.h"

struct body {
	struct text text;
	unsigned int users;
};

/*
 * Empties *kept, or puts a new body in its place when somebody still reads the old one. Returns *kept, whose user is
 * the caller; NULL without memory.
 */
struct body *body_renew(struct body **kept);

struct body *body_use(struct body *body);
void body_release(struct body *body);
