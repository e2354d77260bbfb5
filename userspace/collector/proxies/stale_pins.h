/* SPDX-License-Identifier: Apache-2.0 */
/* Pins of sidecars that are no more. */
#pragma once

#include "lib/config/config.h"

/*
 * Removes the pins of sidecars whose network namespace is gone: programs of theirs that go on for every socket of the
 * host. Only where we see all processes of the machine, else a namespace may live that we do not see; and never what a
 * running one holds.
 */
void stale_pins_remove(const struct config *config);
