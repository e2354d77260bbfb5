/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "lib/web_config/settings.h"

/* What each key alone cannot tell: whether they go together. Fills in defaults. 0, or -EINVAL with `why` told. */
int settings_check(struct settings *s, char why[static SETTINGS_WHY]);
