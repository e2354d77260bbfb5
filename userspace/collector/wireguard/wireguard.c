// SPDX-License-Identifier: Apache-2.0
#include "wireguard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wgsocks/log.h"
#include "wgsocks/shared.h"

#define SECOND_NS 1000000000ULL
#define RETRY_MAX_S 30

int wireguard_open(struct wireguard *wireguard, const char *root)
{
	*wireguard = (struct wireguard){ .root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), .kernel.fd = -1 };
	for (int i = 0; i < ABI_TUNNELS_MAX; i++)
		wireguard->tunnels[i].uapi.fd = -1;
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
	if (wireguard->root >= 0)
		close(wireguard->root);
	wireguard->root = -1;
}

/* A kernel device is read here; of a userspace one -EAGAIN: it was asked. */
static int begin(struct wireguard *w, struct wireguard_tunnel *t, const struct wireguard_target *target, uint64_t now)
{
	if (t->ifindex != target->ifindex) { /* another device, if by the same name */
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

/* Waits for those that were asked, until all have answered or the time is up. */
static void await(struct wireguard *w, int *results, uint64_t deadline)
{
	for (;;) {
		struct pollfd asked[ABI_TUNNELS_MAX];
		uint64_t now = clock_now_ns();
		int waiting = 0;

		for (int i = 0; i < ABI_TUNNELS_MAX; i++) {
			asked[i] = (struct pollfd){ .fd = results[i] == -EAGAIN ? w->tunnels[i].uapi.fd : -1,
						    .events = POLLIN };
			waiting += results[i] == -EAGAIN;
		}
		if (!waiting || now >= deadline)
			return;
		if (poll(asked, ABI_TUNNELS_MAX, (int)((deadline - now + 999999) / 1000000)) < 0)
			continue;
		for (int i = 0; i < ABI_TUNNELS_MAX; i++) {
			int r = asked[i].revents ? uapi_continue(&w->tunnels[i].uapi) : -EAGAIN;

			if (asked[i].revents)
				results[i] = r == 1 ? 0 : r;
		}
	}
}

static void note_timeout(struct wireguard_tunnel *t, uint64_t now)
{
	uint64_t seconds = 1u << (t->timeouts < 5 ? t->timeouts : 5);

	t->timeouts++;
	t->retry_ns = now + (seconds < RETRY_MAX_S ? seconds : RETRY_MAX_S) * SECOND_NS;
}

static void log_change(const char *who, const struct wireguard_target *target, int former, int error)
{
	if (error && error != former)
		log_warn("proxy %s: WireGuard's state of %s cannot be read: %s", who, target->name, strerror(-error));
	else if (former && !error && target->ifindex)
		log_info("proxy %s: WireGuard's state of %s is read again", who, target->name);
}

static void count_lost(struct wireguard *w, struct wireguard_tunnel *t, const char *who,
		       const struct wireguard_target *target)
{
	if (t->device.lost > t->lost) { /* not the same ones at each reading */
		w->lost += t->device.lost - t->lost;
		log_warn("proxy %s: %s has more peers or allowed IPs than are shown", who, target->name);
	}
	t->lost = t->device.lost;
}

static void judge(struct wireguard_tunnel *t, const struct wireguard_target *target, uint64_t now)
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

int wireguard_read(struct wireguard *wireguard, const struct wireguard_target *targets, const char *who)
{
	uint64_t now = clock_now_ns();
	int results[ABI_TUNNELS_MAX], first = 0;

	for (int i = 0; i < ABI_TUNNELS_MAX; i++)
		results[i] = begin(wireguard, &wireguard->tunnels[i], &targets[i], now);
	await(wireguard, results, now + WIREGUARD_WAIT_NS);
	now = clock_now_ns();
	for (int i = 0; i < ABI_TUNNELS_MAX; i++) {
		struct wireguard_tunnel *t = &wireguard->tunnels[i];
		int former = t->error;

		uapi_end(&t->uapi);
		if (results[i] == -EAGAIN) {
			results[i] = -ETIMEDOUT;
			note_timeout(t, now);
		} else if (results[i] != -ETIMEDOUT) {
			t->timeouts = 0;
		}
		t->error = results[i];
		if (!t->error)
			count_lost(wireguard, t, who, &targets[i]);
		judge(t, &targets[i], now);
		log_change(who, &targets[i], former, t->error);
		first = first ?: t->error;
	}
	wireguard->read_ns = now;
	return first;
}
