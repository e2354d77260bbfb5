/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the keys of the format from YAML into struct settings. */
#pragma once

#include "lib/web_config/settings.h"
#include "lib/web_config/yaml.h"

/* Reads the whole document. Returns 0, or -EINVAL with y->why set. */
int settings_read(struct yaml *y, struct settings *s);
