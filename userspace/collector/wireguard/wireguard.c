// SPDX-License-Identifier: Apache-2.0
#include "collector/wireguard/wireguard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log/log.h"
#include "lib/process/shared.h"
#include "lib/time.h"

#define RETRY_MAX_S 30

int wireguard_open(struct wireguard *wireguard, const char *root)
{
	*wireguard = (struct wireguard){ .root = -1, .kernel.fd = -1 };
	for (int i = 0; i < ABI_TUNNELS_MAX; i++)
		wireguard->tunnels[i].uapi.fd = -1;
	if (!root)
		return 0;
	wireguard->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return wireguard->root < 0 ? -errno : 0;
}

void wireguard_close(struct wireguard *wireguard)
{
	for (int i = 0; i < ABI_TUNNELS_MAX; i++) {
		uapi_end(&wireguard->tunnels[i].uapi);
		wireguard_device_free(&wireguard->tunnels[i].device);
		wireguard_history_free(&wireguard->tunnels[i].history);
	}
	kernel_devices_close(&wireguard->kernel);
	close_descriptor(&wireguard->root);
}

/* Reads a kernel device, or sends the request to a userspace device (-EAGAIN). */
static int begin(struct wireguard *w, struct wireguard_tunnel *t,
		 const struct wireguard_target *target, uint64_t now)
{
	if (t->ifindex != target->ifindex) { /* another device, even if the name is the same */
		wireguard_history_reset(&t->history);
		t->ifindex = target->ifindex;
		t->retry_ns = t->timeouts = 0;
	}
	if (!target->ifindex) {
		wireguard_device_reset(&t->device);
		return 0;
	}
	if (target->in_kernel)
		return kernel_device_read(&w->kernel, target->ifindex, &t->device);
	if (now < t->retry_ns)
		return -ETIMEDOUT;
	return uapi_begin(&t->uapi, w->root, target->name, &t->device) ?: -EAGAIN;
}

/* Lists the requests without an answer: their descriptors and tunnels. Returns their number. */
static size_t waiting_list(struct wireguard *const *wireguards, size_t count, struct pollfd *asked,
			   struct wireguard_tunnel **whose)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		for (int t = 0; t < ABI_TUNNELS_MAX; t++) {
			struct wireguard_tunnel *tunnel = &wireguards[i]->tunnels[t];

			if (tunnel->result != -EAGAIN)
				continue;
			asked[n] = (struct pollfd){ .fd = tunnel->uapi.fd, .events = POLLIN };
			whose[n++] = tunnel;
		}
	}
	return n;
}

void wireguard_await(struct wireguard *const *wireguards, size_t count, uint64_t deadline)
{
	_cleanup_free_ struct pollfd *asked = calloc(count * ABI_TUNNELS_MAX, sizeof(*asked));
	_cleanup_free_ struct wireguard_tunnel **whose =
		calloc(count * ABI_TUNNELS_MAX, sizeof(struct wireguard_tunnel *));

	while (asked && whose) {
		size_t n = waiting_list(wireguards, count, asked, whose);
		uint64_t now = clock_now_ns();

		if (!n || now >= deadline)
			return;
		if (poll(asked, n, (int)((deadline - now + NS_PER_MS - 1) / NS_PER_MS)) < 0)
			continue;
		for (size_t i = 0; i < n; i++) {
			int r = asked[i].revents ? uapi_continue(&whose[i]->uapi) : -EAGAIN;

			if (asked[i].revents)
				whose[i]->result = r == 1 ? 0 : r;
		}
	}
}

static void note_timeout(struct wireguard_tunnel *t, uint64_t now)
{
	uint64_t seconds = 1u << (t->timeouts < 5 ? t->timeouts : 5);

	t->timeouts++;
	t->retry_ns = now + (seconds < RETRY_MAX_S ? seconds : RETRY_MAX_S) * NS_PER_S;
}

static void log_change(const char *proxy_name, const struct wireguard_target *target, int former,
		       int error)
{
	if (error && error != former)
		log_warn("cannot read WireGuard state", field_text("proxy", proxy_name),
			 field_text("interface", target->name), field_error(error));
	else if (former && !error && target->ifindex)
		log_info("WireGuard state is readable again", field_text("proxy", proxy_name),
			 field_text("interface", target->name));
}

static void count_lost(struct wireguard *w, struct wireguard_tunnel *t, const char *proxy_name,
		       const struct wireguard_target *target)
{
	if (t->device.lost > t->lost) { /* not the same losses again at each reading */
		w->lost += t->device.lost - t->lost;
		log_warn("more peers or allowed IPs than metrics show",
			 field_text("proxy", proxy_name), field_text("interface", target->name));
	}
	t->lost = t->device.lost;
}

static void state_update(struct wireguard_tunnel *t, const struct wireguard_target *target,
			 uint64_t now)
{
	struct timespec time;

	t->known = true;
	t->state = TUNNEL_NO_INTERFACE;
	if (!t->error && target->ifindex)
		t->error = wireguard_history_note(&t->history, &t->device, now);
	if (!target->ifindex || !target->up)
		return;
	clock_gettime(CLOCK_REALTIME, &time);
	t->known = !t->error;
	if (t->known)
		t->state = wireguard_device_state(&t->device, &t->history, now, time.tv_sec);
}

void wireguard_begin(struct wireguard *wireguard, const struct wireguard_target *targets)
{
	uint64_t now = clock_now_ns();

	for (int i = 0; i < ABI_TUNNELS_MAX; i++) {
		wireguard->targets[i] = targets[i];
		wireguard->tunnels[i].result =
			begin(wireguard, &wireguard->tunnels[i], &targets[i], now);
	}
}

int wireguard_end(struct wireguard *wireguard, const char *proxy_name)
{
	uint64_t now = clock_now_ns();
	int first = 0;

	for (int i = 0; i < ABI_TUNNELS_MAX; i++) {
		struct wireguard_tunnel *t = &wireguard->tunnels[i];
		const struct wireguard_target *target = &wireguard->targets[i];
		int former = t->error;

		uapi_end(&t->uapi);
		if (t->result == -EAGAIN) {
			t->result = -ETIMEDOUT;
			note_timeout(t, now);
		} else if (t->result != -ETIMEDOUT) {
			t->timeouts = 0;
		}
		t->error = t->result;
		if (!t->error)
			count_lost(wireguard, t, proxy_name, target);
		state_update(t, target, now);
		log_change(proxy_name, target, former, t->error);
		first = first ?: t->error;
	}
	wireguard->read_ns = now;
	return first;
}

int wireguard_read(struct wireguard *wireguard, const struct wireguard_target *targets,
		   const char *proxy_name)
{
	wireguard_begin(wireguard, targets);
	wireguard_await(&wireguard, 1, clock_now_ns() + WIREGUARD_WAIT_NS);
	return wireguard_end(wireguard, proxy_name);
}
