/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SETTINGS_CHECK_H
#define SETTINGS_CHECK_H

#include "lib/web_config/settings.h"

/* What each key alone cannot tell: whether they go together. Fills in defaults. 0, or -EINVAL with `why` told. */
int settings_check(struct settings *s, char why[static SETTINGS_WHY]);

#endif
