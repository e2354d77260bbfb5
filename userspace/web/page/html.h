/* SPDX-License-Identifier: Apache-2.0 */
/* Text for HTML: what is escaped, and numbers as people read them. */
#pragma once

#include <stdint.h>

#include "lib/text/text.h"

/* Appends text with what HTML gives a meaning escaped, for content and for attributes in quotes. */
void html_escape(struct text *out, const char *string);
void html_escape_bytes(struct text *out, const char *bytes, size_t size);

/*
 * Appends a value for a query: every byte that is no letter, digit or one of -_.~ as %XX. Needs no
 * quotes around it.
 */
void html_query(struct text *out, const char *string);

/* 1234567 as 1,234,567. */
void html_count(struct text *out, uint64_t count);

/* 28596080 as 28.6 MB (10^6): three digits, as far as there are any. */
void html_bytes(struct text *out, double bytes);

/* A number of some kind with three digits that count: 0.25, 12.3, 1,234. */
void html_number(struct text *out, double number);

/* 260 as "4 min": one unit, cut, of s, min, h, d. */
void html_duration(struct text *out, uint64_t seconds);

/* The same with the exact number for machines around it: <data value=260>. */
void html_count_data(struct text *out, uint64_t count);
void html_bytes_data(struct text *out, uint64_t bytes);
