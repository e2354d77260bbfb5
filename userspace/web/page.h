/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEB_PAGE_H
#define WEB_PAGE_H

#include "wgsocks/config.h"
#include "wgsocks/shared.h"
#include "wgsocks/text.h"

/*
 * Appends the page at "/": what this is, where to go, how each proxy does by the health board. `ready`: a snapshot was
 * answered lately.
 */
void page_write(struct text *out, const struct config *config, const struct shared *shared, bool ready,
		uint64_t now_ns);

/* Appends text with what HTML gives a meaning escaped. */
void page_escape(struct text *out, const char *string);

#endif
