/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the format: from YAML into struct settings, value by value. */
#pragma once

#include "lib/web_config/settings.h"
#include "lib/web_config/yaml.h"

/* What stands under a section of TLS: read_tls.c. */
int settings_read_tls(struct yaml *y, void *closure, const char *key);

/* Reads the whole document. Returns 0 or -EINVAL with y->why told. */
int settings_read(struct yaml *y, struct settings *s);

/* A copy of the current node's string; "" leaves NULL. */
int settings_read_copy(struct yaml *y, char **to);

/* true and false, as YAML 1.1 spells them too. */
int settings_read_bool(struct yaml *y, bool *value);

/* The index of the current node's string among `count` words, by `name`. -EINVAL and "WHAT is not …" else. */
int settings_read_word(struct yaml *y, size_t *index, const char *what, const char *(*name)(size_t index),
		       size_t count);
