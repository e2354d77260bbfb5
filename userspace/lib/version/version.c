// SPDX-License-Identifier: Apache-2.0
#include "lib/version/version.h"

#include "version-values.h" /* made by the Makefile */

const char version_string[] = VERSION_STRING;
const char version_revision[] = VERSION_REVISION;
const char version_arch[] = VERSION_ARCH;
