/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing text. Clearing keeps the memory, so that the next text of the same size needs no
 * allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Zero-initialise. `data` is not terminated. */
struct text {
	char *data;
	size_t size, max;
	int error; /* -ENOMEM after an allocation failed; later adds do nothing */
};

/* Clears the text and its error. */
void text_reset(struct text *t);
/* Frees the memory; the text is empty and can be used again. */
void text_free(struct text *t);

/* Makes room for `more` bytes at the end; false if there is no memory (sets the error). */
bool text_reserve(struct text *t, size_t more);

void text_add(struct text *t, const char *bytes, size_t size);
__attribute__((format(printf, 2, 3))) void text_printf(struct text *t, const char *format, ...);

static inline void text_puts(struct text *t, const char *string)
{
	text_add(t, string, strlen(string));
}
