/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads one YAML document with a known structure, event by event (libyaml), without building a
 * tree. Anchors, aliases, tags, further documents and duplicate keys are refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#define YAML_ENTRIES_MAX 256 /* entries of one mapping or list */

struct yaml {
	yaml_parser_t parser;
	yaml_event_t event;
	char *why; /* why_size bytes: the one-line reason of an error */
	size_t why_size;
};

/* All functions below return 0, or -EINVAL with `why` set. */

/*
 * Opens the document and reads its first node; sets *empty if there is none. `bytes` and `why` must
 * outlive `y`. Call yaml_close in any case.
 */
int yaml_open(struct yaml *y, const char *bytes, size_t size, bool *empty, char *why,
	      size_t why_size);
void yaml_close(struct yaml *y);

/* Call after the first node was read: checks that nothing follows. */
int yaml_end(struct yaml *y);

/* Sets `why` to the line number of the last event and the message. Returns -EINVAL. */
__attribute__((format(printf, 2, 3))) int yaml_refuse(struct yaml *y, const char *format, ...);

/*
 * The current node as a string, valid until the next call; "" for null (nothing, ~, null). *plain:
 * whether it has no quotation marks, so that `true` can be a boolean. `plain` may be NULL.
 */
int yaml_string(struct yaml *y, const char **value, bool *plain);

/*
 * Calls `entry` for each key; the current node is then the value, which `entry` must read. null is
 * an empty mapping.
 */
int yaml_mapping(struct yaml *y, int (*entry)(struct yaml *y, void *closure, const char *key),
		 void *closure);

/* Calls `item`, which must read the current node, for each item. null is an empty list. */
int yaml_list(struct yaml *y, int (*item)(struct yaml *y, void *closure), void *closure);

/* Copies the string of the current node, owned by the caller; "" leaves *to unchanged. */
int yaml_copy(struct yaml *y, char **to);

/* Reads a boolean in any spelling of YAML 1.1. "" leaves *value unchanged. */
int yaml_bool(struct yaml *y, bool *value);

/*
 * Looks the string of the current node up in the `count` words that `name` returns. Else the error
 * is "unknown WHAT STRING".
 */
int yaml_word(struct yaml *y, size_t *index, const char *what, const char *(*name)(size_t index),
	      size_t count);
