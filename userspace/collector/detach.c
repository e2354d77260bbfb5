// SPDX-License-Identifier: Apache-2.0
/* --detach: removes every pin, link and filter of ours that can be reached from this network namespace and bpffs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attach/attach.h"
#include "kernel/pins.h"
#include "wgsocks/log.h"
#include "wgsocks/process.h"

int collector_detach(const struct config *config)
{
	struct pins pins;
	int r = pins_init(&pins, config), removed = 0;

	if (r) {
		log_error("cannot name the instance: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	r = pins_open(&pins, config);
	if (r == -EBUSY) {
		log_error("an exporter that runs holds %s/…/%s: stop it first", config->pin_path, pins.instance);
		return EXIT_FAILURE;
	}
	removed = attach_sweep(attach_instance(pins.instance), r ? NULL : pins.folder);
	if (!r) {
		int n = pins_clear(&pins);

		removed = removed < 0 || n < 0 ? -EIO : removed + n;
		pins_remove(&pins);
	}
	if (removed < 0) {
		log_error("cannot remove everything of ours: %s", strerror(-removed));
		return EXIT_FAILURE;
	}
	log_info("removed %d pins and filters of instance %s", removed, pins.instance);
	return EXIT_SUCCESS;
}
