/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Units of time in nanoseconds. */
#pragma once

#define NS_PER_US 1000ULL
#define NS_PER_MS 1000000ULL
#define NS_PER_S 1000000000ULL
