/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Cuts the supervisor's capabilities to what it needs itself and what its children inherit from it; logs a failure and
 * goes on, for monitoring with too many rights beats none.
 */
void supervisor_limit_rights(void);
