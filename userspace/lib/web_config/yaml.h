/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk over one YAML document that knows what it expects: events of libyaml, one after the other,
 * nothing is built of what nobody asked for. Anchors, aliases, tags, second documents and keys that
 * come twice are refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#define YAML_ENTRIES_MAX 256 /* of one mapping or list */

struct yaml {
	yaml_parser_t parser;
	yaml_event_t event;
	char *why; /* of why_size bytes: one line, when something was refused */
	size_t why_size;
};

/* All below return 0, or -EINVAL with `why` told. */

/*
 * Begins with the first node; `empty` is set where the document has none. The bytes must outlive
 * it.
 */
int yaml_open(struct yaml *y, const char *bytes, size_t size, bool *empty, char *why,
	      size_t why_size);
void yaml_close(struct yaml *y);

/* After the first node was read: nothing else may follow. */
int yaml_end(struct yaml *y);

/* Refuses what was read last, and tells its line. */
__attribute__((format(printf, 2, 3))) int yaml_refuse(struct yaml *y, const char *format, ...);

/*
 * The current node as a string, which lives until the next call. "" for null (nothing, ~, null);
 * `plain`, where it is wanted: it stood without quotation marks, so that true may be a boolean.
 */
int yaml_string(struct yaml *y, const char **value, bool *plain);

/*
 * Calls `entry` for each key, the current node then being its value, which it reads. null is an
 * empty mapping.
 */
int yaml_mapping(struct yaml *y, int (*entry)(struct yaml *y, void *closure, const char *key),
		 void *closure);

/* Calls `item` for each item of a list. null is an empty list. */
int yaml_list(struct yaml *y, int (*item)(struct yaml *y, void *closure), void *closure);

/* A copy of the current node's string; "" leaves NULL. */
int yaml_copy(struct yaml *y, char **to);

/* true and false, as YAML 1.1 spells them too. */
int yaml_bool(struct yaml *y, bool *value);

/*
 * The index of the current node's string among `count` words, by `name`. -EINVAL and "WHAT is not
 * …" else.
 */
int yaml_word(struct yaml *y, size_t *index, const char *what, const char *(*name)(size_t index),
	      size_t count);
