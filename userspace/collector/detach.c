// SPDX-License-Identifier: Apache-2.0
/*
 * --detach: removes all reachable pins, links and filters of this instance: for a sidecar from its
 * network namespace, for an agent from the host. The agent does not touch pins of sidecars.
 */
#include "collector/collector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/attach/attach.h"
#include "collector/discovery/netns.h"
#include "collector/kernel/pin_folders.h"
#include "collector/kernel/pins.h"
#include "lib/log/log.h"
#include "lib/process/process.h"

struct detaching {
	const char *instance;
	int removed, error;
};

static void note(struct detaching *d, int result)
{
	if (result >= 0)
		d->removed += result;
	else
		d->error = d->error ?: result;
}

/*
 * Removes clsact filters, which have no pins, in one network namespace. The process ends
 * afterwards, so it does not return to its own namespace.
 */
static int sweep_namespace(int fd, uint32_t inode, void *context)
{
	struct detaching *d = context;
	int r = netns_enter(fd);

	note(d, r ?: attach_sweep(attach_instance(d->instance), NULL));
	return 0;
}

static bool is_ours(const struct pin_folder *folder, void *context)
{
	const struct detaching *d = context;

	return !strcmp(folder->instance, d->instance);
}

/* Returns whether an exporter of this instance runs: it would attach again at once. */
static bool is_running(const struct config *config)
{
	struct pins pins;
	int r = pins_init(&pins, config) ?: pins_open(&pins, config);

	if (r == -EBUSY)
		log_error("a running exporter holds the pins, stop it first",
			  field_text("path", config->pin_path),
			  field_text("instance", pins.instance));
	else if (r && r != -ENOTSUP)
		log_warn("cannot check whether a running exporter holds the pins",
			 field_text("path", config->pin_path),
			 field_text("instance", pins.instance), field_error(r));
	pins_close(&pins);
	return r == -EBUSY;
}

int collector_detach(const struct config *config)
{
	struct detaching d = {};
	struct pins pins;
	int r = pins_init(&pins, config);

	if (r) {
		log_error("cannot identify the instance", field_error(r));
		return EXIT_FAILURE;
	}
	if (is_running(config))
		return EXIT_FAILURE;
	d.instance = pins.instance;
	note(&d, pin_folders_remove(config, is_ours, &d));
	if (config->mode == CONFIG_MODE_NODE)
		note(&d, netns_each(sweep_namespace, &d));
	else
		note(&d, attach_sweep(attach_instance(pins.instance), NULL));
	if (d.error) {
		log_error("cannot remove all pins and filters", field_error(d.error));
		return EXIT_FAILURE;
	}
	log_info("removed pins and filters", field_signed("count", d.removed),
		 field_text("instance", pins.instance));
	return EXIT_SUCCESS;
}
