// SPDX-License-Identifier: Apache-2.0
/*
 * The collector loads the kernel side, follows interfaces and listeners of the proxies, and answers
 * snapshot requests of web. It is one loop, listens on no port and reads no bytes from the network.
 */
#include "collector/collector.h"

#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "collector/proxies/proxies.h"
#include "collector/state.h"
#include "collector/kernel/kernel.h"
#include "collector/kernel/sweep.h"
#include "collector/readers/readers.h"
#include "wgsocks.skel.h"
#include "lib/log/log.h"
#include "lib/rights/rights.h"
#include "lib/time.h"

#define LOAD_RETRY_MAX_S 30
#define MEMORY_PERIOD_S 10
#define EVENTS_BUDGET 256 /* between two looks at everything else: 25 ms or so */
#define SKIPPED_LOG_NS (60 * NS_PER_S)
/* publish period while there is work; all states of a node take 0.2 ms */
#define PUBLISH_NS (100 * NS_PER_MS)
#define DESCRIPTORS_OWN 128
#define DESCRIPTORS_OF_PROXY 5 /* TCX links of three interfaces */

/* ---- capabilities ---- */

/*
 * BPF and PERFMON: maps, programs and tracepoints. NET_ADMIN: packet programs. SYS_PTRACE and
 * DAC_READ_SEARCH, only for discovery: find the sockets of a SOCKS server that runs as another
 * user. In a pod the ports come from the flag instead. SYS_ADMIN, only on a node: enter network
 * namespaces. NET_BROADCAST, only on a node: receive events of their interfaces.
 */
static int keep_rights(const struct config *config)
{
	bool node = config->mode == CONFIG_MODE_NODE, discovers = node || !config->port_count;
	struct utsname name;
	bool locked = kernel_before(5, 11, &name); /* where RLIMIT_MEMLOCK limits maps */
	/* A container runtime that does not know CAP_BPF grants CAP_SYS_ADMIN instead. */
	bool old_runtime =
		capng_get_caps_process() || !capng_have_capability(CAPNG_EFFECTIVE, CAP_BPF);
	const struct {
		int capability;
		bool kept;
	} all[] = {
		{ CAP_BPF, true },
		{ CAP_PERFMON, true },
		{ CAP_NET_ADMIN, true },
		{ CAP_SYS_ADMIN, node || old_runtime },
		{ CAP_NET_BROADCAST, node },
		{ CAP_SYS_PTRACE, discovers },
		{ CAP_DAC_READ_SEARCH, discovers },
		{ CAP_SYS_RESOURCE, locked },
	};
	int keep[sizeof(all) / sizeof(all[0])];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].kept)
			keep[n++] = all[i].capability;
	}
	return rights_keep(keep, n);
}

/* TCX links of a node are file descriptors, so raises RLIMIT_NOFILE to its maximum. */
static void descriptors_prepare(const struct config *config)
{
	uint64_t wanted = DESCRIPTORS_OWN + (uint64_t)config->proxies_max * DESCRIPTORS_OF_PROXY;
	struct rlimit limit;

	if (config->mode != CONFIG_MODE_NODE || config->attach == CONFIG_ATTACH_CLSACT ||
	    getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < wanted)
		log_warn("limit of open files is too low for --proxies.max, raise it or set "
			 "--bpf.attach=clsact",
			 field_unsigned("limit", limit.rlim_max), field_unsigned("needed", wanted));
}

/* ---- the kernel side ---- */

/* A negative result ends ring_buffer__consume: the others in the loop have their turn. */
static int on_event(void *context, void *data, size_t size)
{
	struct collector *c = context;
	const struct event *e = data;

	if (size >= sizeof(*e))
		proxies_event(&c->proxies, e);
	return ++c->events_taken < EVENTS_BUDGET ? 0 : -ECANCELED;
}

/* At most EVENTS_BUDGET events; epoll reports the others again. */
static void consume_events(struct collector *c)
{
	c->events_taken = 0;
	if (c->events)
		ring_buffer__consume(c->events);
}

static int watch_descriptor(struct collector *c, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int events_open(struct collector *c)
{
	const struct wgsocks *s = c->kernel.skeleton;
	struct ring_buffer *events =
		ring_buffer__new(bpf_map__fd(s->maps.events), on_event, c, NULL);
	int r = events ? 0 : -errno;

	if (!r && bpf_map__autocreate(s->maps.answers))
		r = ring_buffer__add(events, bpf_map__fd(s->maps.answers), destinations_on_answer,
				     &c->destinations);
	r = r ?: watch_descriptor(c, ring_buffer__epoll_fd(events));
	if (r)
		ring_buffer__free(events);
	else
		c->events = events;
	return r;
}

/*
 * Without events all counts stay correct: the collector scans for listeners, and destinations have
 * no names.
 */
static void start_events(struct collector *c)
{
	int r = events_open(c);

	if (r && r != c->events_error)
		log_error("cannot read events of the BPF programs", field_error(r),
			  field_text("action", "retry"));
	else if (!r && c->events_error)
		log_info("reading events of the BPF programs");
	c->events_error = r;
}

static void start_kernel(struct collector *c, uint64_t now)
{
	int r = kernel_load(&c->kernel);

	if (r) {
		unsigned int wait = 1u << (c->load_failures < 5 ? c->load_failures : 5);

		c->load_failures++;
		c->load_at_ns =
			now + (wait < LOAD_RETRY_MAX_S ? wait : LOAD_RETRY_MAX_S) * NS_PER_S;
		return;
	}
	c->load_failures = 0;
	start_events(c);
	proxies_loaded(&c->proxies);
	c->memory_bytes = kernel_memory(&c->kernel);
}

/* Remembers the totals of this second, so that rates cover the time since the proxy started. */
static void remember(struct collector *c, const struct proxy_netns *netns, uint64_t now)
{
	window_remember(&c->kernel, netns->slot, now / NS_PER_S);
	compat_remember(&c->kernel, netns, now);
	destinations_tick(&c->destinations, netns);
}

/* ---- the loop ---- */

static void publish(struct collector *c)
{
	for (uint32_t i = 0; i < c->proxies.count; i++)
		proxy_netns_health(&c->proxies.managed[i]->netns, &c->health[i]);
	health_board_publish(c->child->shared, c->health, c->proxies.count);
	c->published_ns = clock_now_ns();
}

static void guard_misses(struct collector *c, uint64_t now)
{
	bool missed = false;

	for (int i = KERNEL_STATE_A; i <= KERNEL_STATE_B; i++) {
		uint64_t misses = kernel_recursion_misses(&c->kernel, i);

		missed |= misses != c->misses[i];
		c->misses[i] = misses;
	}
	reconcile_tick(&c->proxies, missed, now);
}

/* Returns whether events were skipped since the last call; logs that once a minute. */
static bool events_skipped(struct collector *c, uint32_t index, struct skipped_events *known,
			   const char *proxy, uint64_t now)
{
	uint32_t total = kernel_events_skipped(&c->kernel, index);

	if (total == known->total)
		return false;
	if (now - known->logged_ns >= SKIPPED_LOG_NS || !known->logged_ns) {
		log_warn("too many listener events, searching once per second",
			 field_text("proxy", proxy), field_unsigned("count", total - known->logged),
			 field_unsigned("limit", ABI_EVENTS_PER_SECOND));
		known->logged = total;
		known->logged_ns = now;
	}
	known->total = total;
	return true;
}

/* Searches for listeners where the programs have skipped events. */
static void guard_event_budgets(struct collector *c, uint64_t now)
{
	for (uint32_t i = 0; i < c->proxies.count; i++) {
		struct proxy_netns *netns = &c->proxies.managed[i]->netns;

		if (netns->started &&
		    events_skipped(c, netns->slot, &netns->events_skipped, netns->name, now))
			netns->discovery_due = true;
	}
	c->proxies.scan_due |=
		events_skipped(c, c->child->config->proxies_max, &c->events_skipped, "", now);
}

static void tick(struct collector *c)
{
	uint64_t now = clock_now_ns(), expirations;

	if (read(c->timer, &expirations, sizeof(expirations)) < 0)
		return;
	if (!c->kernel.skeleton && now >= c->load_at_ns)
		start_kernel(c, now);
	else if (c->kernel.skeleton && !c->events)
		start_events(c);
	proxies_tick(&c->proxies, now);
	if (c->kernel.skeleton) {
		guard_misses(c, now);
		guard_event_budgets(c, now);
		sweep_dns(&c->kernel, now);
		consume_events(c); /* names before the destinations that use them */
		destinations_refresh(&c->destinations, now);
		for (uint32_t i = 0; i < c->proxies.count; i++) {
			if (c->proxies.managed[i]->netns.started)
				remember(c, &c->proxies.managed[i]->netns, now);
		}
		if (now >= c->memory_at_ns) {
			c->memory_bytes = kernel_memory(&c->kernel);
			c->memory_at_ns = now + MEMORY_PERIOD_S * NS_PER_S;
		}
	}
	heartbeat_write(c->child->shared, PROCESS_COLLECTOR, now);
}

static void signalled(struct collector *c)
{
	struct signalfd_siginfo info;

	while (read(c->signals, &info, sizeof(info)) == sizeof(info)) {
		c->leaving = true;
		c->ending |= (int)info.ssi_pid == c->child->parent;
	}
}

/*
 * Does the next small piece of work: a node can have hundreds of proxies to attach to, and web asks
 * meanwhile.
 */
static bool step(struct collector *c)
{
	return proxies_step(&c->proxies) ||
	       (c->kernel.skeleton && reconcile_new_ports(&c->proxies));
}

/* Runs until a signal ends the process. Returns 0 or -errno. */
static int run(struct collector *c)
{
	bool more = true;

	while (!c->leaving) {
		struct epoll_event ready[8];
		int n = epoll_wait(c->epoll, ready, 8, more ? 0 : proxies_rest_ms(&c->proxies));
		bool asked = false;

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++) {
			int fd = ready[i].data.fd;

			if (fd == c->signals)
				signalled(c);
			else if (fd == c->timer)
				tick(c);
			else if (fd == proxies_events_fd(&c->proxies))
				proxies_links(&c->proxies);
			else if (fd == c->child->channel)
				asked = true;
			else
				consume_events(c);
		}
		more = step(c);
		if (!more)
			c->child->shared->startup_done = 1;
		if (!more || clock_now_ns() - c->published_ns >= PUBLISH_NS)
			publish(c);
		if (asked) { /* last, so that the answer includes what arrived at the same time */
			proxies_links(&c->proxies);
			consume_events(c);
			collector_answer(c);
		}
	}
	return 0;
}

static int set_up(struct collector *c)
{
	struct itimerspec each_second = { .it_interval.tv_sec = 1, .it_value.tv_nsec = 1 };
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_SETMASK, &set, NULL);
	c->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (c->signals < 0 || c->timer < 0 || c->epoll < 0 ||
	    timerfd_settime(c->timer, 0, &each_second, NULL))
		return -errno;
	r = watch_descriptor(c, c->signals);
	r = r ?: watch_descriptor(c, c->timer);
	r = r ?: watch_descriptor(c, c->child->channel);
	return r;
}

int collector_run(const struct child *child)
{
	static struct collector c;
	int r, failed;

	log_process("collector");
	c = (struct collector){ .child = child };
	pins_mount(child->config);
	heartbeat_open();
	r = keep_rights(child->config);
	if (r) {
		log_error("cannot drop capabilities", field_error(r));
		return EXIT_FAILURE;
	}
	descriptors_prepare(child->config);
	child_bind_to_parent(child);
	heartbeat_write(child->shared, PROCESS_COLLECTOR, clock_now_ns());
	r = set_up(&c);
	r = r ?: kernel_init(&c.kernel, child->config);
	if (r) {
		log_error("cannot start collector", field_error(r));
		return EXIT_FAILURE;
	}
	c.health = calloc(child->config->proxies_max, sizeof(*c.health));
	c.names = calloc(child->config->proxies_max, sizeof(*c.names));
	if (!c.health || !c.names) {
		log_error("cannot start collector", field_error(ENOMEM));
		return EXIT_FAILURE;
	}
	destinations_init(&c.destinations, child->config, &c.kernel);
	r = proxies_open(&c.proxies, child->config, &c.kernel, &c.destinations);
	if (r)
		return EXIT_FAILURE;
	if (proxies_events_fd(&c.proxies) >= 0) {
		r = watch_descriptor(&c, proxies_events_fd(&c.proxies));
		if (r)
			log_error("cannot wait for interface events, changes are found with the "
				  "next scrape",
				  field_error(r));
	}
	start_kernel(&c, clock_now_ns());
	failed = run(&c);
	if (failed)
		log_error("cannot wait for events", field_error(failed));

	/*
	 * If the exporter ends, a sidecar removes its pins; an agent leaves them to its successor.
	 * If only this process ends, it leaves them too: the supervisor restarts it at once.
	 */
	if (c.ending && child->config->mode == CONFIG_MODE_SIDECAR) {
		proxies_close(&c.proxies, true);
		kernel_remove(&c.kernel);
	} else {
		proxies_close(&c.proxies, false);
		kernel_close(&c.kernel);
	}
	destinations_close(&c.destinations);
	free(c.health);
	free(c.names);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
