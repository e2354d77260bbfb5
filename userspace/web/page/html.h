/* SPDX-License-Identifier: Apache-2.0 */
/* Appends escaped text and human-readable numbers to HTML. */
#pragma once

#include <stdint.h>

#include "lib/text/text.h"

/* Appends text with &, <, >, " and ' escaped: for content, and for attributes in quotes. */
void html_escape(struct text *out, const char *string);
void html_escape_bytes(struct text *out, const char *bytes, size_t size);

/*
 * Appends a value for a query string: every byte except ASCII letters, digits and -_.~ as %XX. The
 * result needs no quotes in an attribute.
 */
void html_query(struct text *out, const char *string);

/* 1234567 as 1,234,567. */
void html_count(struct text *out, uint64_t count);

/* 28596080 as 28.6 MB: units are powers of 1000, three significant digits. */
void html_bytes(struct text *out, double bytes);

/* Three significant digits below 100, else a whole number: 0.25, 12.3, 1,234. */
void html_number(struct text *out, double number);

/* 260 as "4 min": one unit (s, min, h, d), rounded down. */
void html_duration(struct text *out, uint64_t seconds);

/* The same inside <data value=N>, which holds the exact number for scripts. */
void html_count_data(struct text *out, uint64_t count);
void html_bytes_data(struct text *out, uint64_t bytes);
