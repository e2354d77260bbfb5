// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/discovery/netns.h"
#include "collector/kernel/destination_maps.h"
#include "collector/kernel/programs.h"
#include "collector/kernel/pin_folders.h"
#include "collector/kernel/slots.h"
#include "collector/kernel/verifier.h"
#include "lib/cleanup.h"
#include "lib/log/log.h"
#include "wgsocks.skel.h"

#define SIDECAR_NETNS_BUCKETS 16
#define NODE_EVENTS_BYTES 65536 /* 2,700 events: all proxies of a node can start at once */

_Static_assert(sizeof(struct config_network) == sizeof(struct leak_network), "copied with memcpy");
_Static_assert(CONFIG_LEAK_ALLOW_MAX == ABI_LEAK_ALLOW_MAX, "all networks fit");

/* Of the current load: the print callback of libbpf has no context. */
static struct verifier_log verifier_log;

/* Messages of libbpf are for debugging; kernel_load logs once what an operator must know. */
__attribute__((format(printf, 2, 0))) static int print_libbpf(enum libbpf_print_level level,
							      const char *format, va_list arguments)
{
	_cleanup_free_ char *message = NULL; /* a log of the verifier can have megabytes */

	if (level == LIBBPF_DEBUG || (level != LIBBPF_WARN && !log_enabled(LOG_LEVEL_DEBUG)))
		return 0;
	if (vasprintf(&message, format, arguments) < 0) {
		message = NULL;
		return 0;
	}
	if (!verifier_log_take(&verifier_log, message))
		log_debug("libbpf message", field_bytes("detail", message, strcspn(message, "\n")));
	return 0;
}

int kernel_init(struct kernel *kernel, const struct config *config)
{
	*kernel = (struct kernel){ .config = config,
				   .dispatchers = { -1, -1, -1, -1 },
				   .former = { -1, -1, -1 } };
	libbpf_set_print(print_libbpf);
	return pins_init(&kernel->pins, config);
}

/* Returns whether libbpf created the map (.rodata, .bss): we neither size nor pin it. */
static bool map_is_internal(const struct bpf_map *map)
{
	return strchr(bpf_map__name(map), '.') != NULL;
}

/* Sets the pin path of a map, or disables the map and removes its pin. */
static int map_prepare(struct kernel *kernel, struct bpf_map *map)
{
	char path[CONFIG_PATH_SIZE];
	int r;

	snprintf(path, sizeof(path), "%.200s/%s", kernel->pins.folder, bpf_map__name(map));
	if (!kernel_map_wanted(kernel->skeleton, map, kernel->config->collectors)) {
		/* remove what an earlier process left in it */
		r = bpf_map__set_autocreate(map, false);
		if (!r && kernel->pinned && unlink(path) && errno != ENOENT)
			r = -errno;
		return r;
	}
	if (!kernel->pinned || map_is_internal(map))
		return 0;
	if (!access(path, F_OK) && map == kernel->skeleton->maps.counters)
		kernel->taken_over = true;
	return bpf_map__set_pin_path(map, path);
}

static int prepare(struct kernel *kernel)
{
	struct wgsocks *s = kernel->skeleton;
	const struct config *config = kernel->config;
	uint32_t buckets =
		config->mode == CONFIG_MODE_SIDECAR ? SIDECAR_NETNS_BUCKETS : ABI_NETNS_BUCKETS;
	struct bpf_map *map;
	int r;

	r = kernel_programs_choose(s, config->collectors);
	memcpy(s->rodata->servers.comm, config->processes, sizeof(s->rodata->servers.comm));
	memcpy(s->rodata->leak_allow, config->leak_allow, sizeof(s->rodata->leak_allow));
	s->rodata->leak_allow_count = config->leak_allow_count;
	s->rodata->netns_mask = buckets - 1;
	s->rodata->ports_discovered = config->port_count == 0;
	s->rodata->node_mode = config->mode == CONFIG_MODE_NODE;
	s->rodata->unwatched_budget = config->proxies_max;
	r = r ?: bpf_map__set_max_entries(s->maps.netns, buckets);
	if (config->mode == CONFIG_MODE_NODE)
		r = r ?: bpf_map__set_max_entries(s->maps.events, NODE_EVENTS_BYTES);
	r = r ?: bpf_map__set_max_entries(s->maps.proxies, config->proxies_max);
	r = r ?: bpf_map__set_max_entries(s->maps.counters, config->proxies_max);
	r = r ?: bpf_map__set_max_entries(s->maps.tunnels, config->proxies_max * ABI_TUNNELS_MAX);
	r = r ?: bpf_map__set_max_entries(s->maps.windows, config->proxies_max);
	r = r ?: bpf_map__set_max_entries(s->maps.rates, config->proxies_max);
	r = r ?: bpf_map__set_max_entries(s->maps.clients, config->proxies_max);
	r = r ?: bpf_map__set_max_entries(s->maps.event_budgets, config->proxies_max + 1);
	r = r ?: kernel_destinations_prepare(kernel);
	bpf_object__for_each_map(map, s->obj)
	{
		r = r ?: map_prepare(kernel, map);
	}
	return r;
}

static void *map_shared(const struct bpf_map *map)
{
	size_t bytes = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return p == MAP_FAILED ? NULL : p;
}

static int share(struct kernel *kernel)
{
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 1)
		return cpus ?: -EINVAL;
	kernel->cpus = cpus;
	kernel->counters = map_shared(kernel->skeleton->maps.counters);
	if (!kernel->counters)
		return -errno;
	kernel->event_budgets = map_shared(kernel->skeleton->maps.event_budgets);
	if (!kernel->event_budgets)
		return -errno;
	kernel->windows = map_shared(kernel->skeleton->maps.windows);
	if (!kernel->windows)
		return -errno;
	if (kernel_map_wanted(kernel->skeleton, kernel->skeleton->maps.rates,
			      kernel->config->collectors)) {
		kernel->rates = map_shared(kernel->skeleton->maps.rates);
		if (!kernel->rates)
			return -errno;
	}
	return slots_read(kernel) ?: kernel_destinations_share(kernel);
}

static int load_once(struct kernel *kernel, const char **step)
{
	struct wgsocks *s;
	int r;

	*step = "open";
	verifier_log_free(&verifier_log);
	kernel->taken_over = false;
	s = kernel->skeleton = wgsocks__open();
	if (!s)
		return -errno;
	*step = "set up";
	r = prepare(kernel);
	if (r)
		return r;
	*step = "load";
	r = wgsocks__load(s);
	if (r)
		return r;
	*step = "map";
	r = share(kernel);
	if (r)
		return r;
	*step = "hand over";
	r = kernel_hand_over(s, kernel->config->collectors);
	if (r)
		return r;
	kernel_destinations_move(kernel);
	*step = "attach";
	return dispatchers_attach(kernel);
}

static void release(struct kernel *kernel)
{
	for (int i = 0; i < KERNEL_LINK_MAX; i++) {
		if (kernel->links[i])
			bpf_link__destroy(kernel->links[i]);
		kernel->links[i] = NULL;
		close_descriptor(&kernel->dispatchers[i]);
	}
	if (kernel->counters)
		munmap(kernel->counters,
		       (size_t)kernel->config->proxies_max * sizeof(*kernel->counters));
	if (kernel->event_budgets)
		munmap(kernel->event_budgets,
		       (size_t)(kernel->config->proxies_max + 1) * sizeof(*kernel->event_budgets));
	kernel->event_budgets = NULL;
	if (kernel->windows)
		munmap(kernel->windows,
		       (size_t)kernel->config->proxies_max * sizeof(*kernel->windows));
	if (kernel->rates)
		munmap(kernel->rates, (size_t)kernel->config->proxies_max * sizeof(*kernel->rates));
	kernel->counters = NULL;
	kernel->windows = NULL;
	kernel->rates = NULL;
	free_pointer(&kernel->owners);
	kernel_destinations_close(kernel);
	wgsocks__destroy(kernel->skeleton);
	kernel->skeleton = NULL;
}

/* Returns whether we have the capabilities for loading and attaching. */
static bool has_capabilities(void)
{
	static const int NEEDED[] = { CAP_BPF, CAP_PERFMON };

	if (capng_get_caps_process() || !capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN))
		return false;
	for (size_t i = 0; i < sizeof(NEEDED) / sizeof(NEEDED[0]); i++) {
		/* Replaces both in old kernels and runtimes */
		if (!capng_have_capability(CAPNG_EFFECTIVE, NEEDED[i]) &&
		    !capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN))
			return false;
	}
	return true;
}

/* Returns what an operator can do about an error; NULL: not known. */
static const char *load_hint(int error)
{
	static char hint[160];
	struct utsname name;

	if (kernel_before(5, 15, &name)) {
		snprintf(hint, sizeof(hint), "kernel %s is too old, 5.15 or newer is required",
			 name.release);
		return hint;
	}
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return "kernel has no BTF (CONFIG_DEBUG_INFO_BTF, /sys/kernel/btf/vmlinux)";
	if ((error == -EPERM || error == -EACCES) && !has_capabilities())
		return "capabilities BPF, PERFMON and NET_ADMIN are required";
	if (verifier_log.text) {
		snprintf(hint, sizeof(hint), "verifier of this kernel refuses program %s",
			 verifier_log.program);
		return hint;
	}
	if (error == -EPERM || error == -EACCES)
		return "lockdown, a security module or a user namespace forbids it";
	return NULL;
}

static int pins_take(struct kernel *kernel)
{
	static int last_error;
	int r = pins_open(&kernel->pins, kernel->config);

	kernel->pinned = r == 0;
	if (r == -EBUSY) {
		if (last_error != r)
			log_error(
				"another running exporter holds the pins of this network namespace",
				field_text("instance", kernel->pins.instance),
				field_text("action", "wait"));
	} else if (r && r != last_error) {
		if (!kernel->config->pin_path[0])
			log_info("pins are off, a restart of the collector resets the counters");
		else if (r == -ENOTSUP)
			log_warn("no bpffs, a restart of the collector resets the counters",
				 field_text("path", kernel->config->pin_path));
		else
			log_warn("cannot use pin folder, a restart of the collector resets the "
				 "counters",
				 field_text("path", kernel->config->pin_path), field_error(r));
	}
	last_error = r;
	return r == -EBUSY ? r : 0;
}

static bool is_superseded(const struct pin_folder *folder, void *context)
{
	const struct kernel *kernel = context;

	return !strcmp(folder->instance, kernel->pins.instance) &&
	       strcmp(folder->path, kernel->pins.folder) != 0;
}

/*
 * Removes pins of this instance from another version or another --proxies.max: no process counts
 * with them any more.
 */
static void remove_superseded(struct kernel *kernel)
{
	int n = kernel->pinned ? pin_folders_remove(kernel->config, is_superseded, kernel) : 0;

	if (n > 0)
		log_warn("removed pins of another layout or --proxies.max, counters start at 0",
			 field_signed("count", n), field_text("path", kernel->pins.folder));
	else if (n < 0)
		log_warn("cannot remove pins of another layout", field_error(n));
}

int kernel_load(struct kernel *kernel)
{
	static char last_failure[64];
	char failure[64];
	const char *step;
	int r = pins_take(kernel);

	if (r)
		return r;
	r = load_once(kernel, &step);
	/* The pins can be incompatible or incomplete: start again without them */
	if (r == -EINVAL && kernel->pinned) {
		int pins;

		release(kernel);
		pins = pins_clear(&kernel->pins);
		if (pins > 0) {
			log_warn("pins do not fit this version, counters start at 0",
				 field_text("path", kernel->pins.folder), field_text("step", step),
				 field_error(r));
			r = load_once(kernel, &step);
		}
	}
	if (!r) {
		last_failure[0] = 0;
		verifier_log_free(&verifier_log);
		remove_superseded(kernel);
		return 0;
	}
	release(kernel);
	if (kernel->pinned && !kernel->taken_over && pins_clear(&kernel->pins) >= 0)
		pins_remove(&kernel->pins);
	else
		pins_close(&kernel->pins); /* keep earlier counts for the next attempt */
	kernel->pinned = false;
	snprintf(failure, sizeof(failure), "%s %d", step, r);
	if (strcmp(failure, last_failure)) {
		log_error("cannot start the BPF programs", field_text("step", step), field_error(r),
			  field_text("hint", load_hint(r)), field_text("action", "retry"));
		verifier_log_print(&verifier_log);
	}
	verifier_log_free(&verifier_log);
	memcpy(last_failure, failure, sizeof(failure));
	return r;
}

void kernel_close(struct kernel *kernel)
{
	if (kernel->skeleton) {
		for (int i = 0; i < KERNEL_LINK_MAX; i++) {
			if (kernel->links[i] && kernel->pinned)
				bpf_link__disconnect(kernel->links[i]); /* destroy only closes it */
		}
	}
	release(kernel);
	pins_close(&kernel->pins);
}

void kernel_remove(struct kernel *kernel)
{
	for (int i = 0; i < KERNEL_LINK_MAX; i++) {
		if (kernel->links[i] && kernel->pinned)
			bpf_link__unpin(kernel->links[i]);
	}
	release(kernel);
	if (!kernel->pinned)
		return;
	pins_clear(&kernel->pins);
	pins_remove(&kernel->pins);
	kernel->pinned = false;
}

int kernel_packet_programs(const struct kernel *kernel)
{
	return bpf_map__fd(kernel->skeleton->maps.packet_programs);
}

bool kernel_before(unsigned int major, unsigned int minor, struct utsname *name)
{
	unsigned int a, b;

	return !uname(name) && sscanf(name->release, "%u.%u", &a, &b) == 2 &&
	       (a < major || (a == major && b < minor));
}
