// SPDX-License-Identifier: Apache-2.0
#include "web/response/self_metrics.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <time.h>

#include "lib/metrics/metrics.h"
#include "lib/time.h"
#include "lib/version/version.h"

unsigned int scrape_status(enum scrape_code code)
{
#define STATUS_(id, status) status,
	static const unsigned int statuses[] = { SCRAPE_STATUSES(STATUS_) };
#undef STATUS_

	return statuses[code];
}

static void build_add(struct snapshot_builder *b)
{
	char libbpf[16];
	uint32_t labels[4];

	snprintf(libbpf, sizeof(libbpf), "%u.%u", libbpf_major_version(), libbpf_minor_version());
	labels[0] = snapshot_string(b, version_string);
	labels[1] = snapshot_string(b, version_revision);
	labels[2] = snapshot_string(b, version_arch);
	labels[3] = snapshot_string(b, libbpf);
	snapshot_add_unsigned(b, METRIC_BUILD_INFO, labels, 1);
}

static void listening_add(struct snapshot_builder *b, const struct self_metrics *self)
{
	const struct config *config = self->config;
	uint32_t labels[2];

	if (config->health_enabled) {
		labels[0] = snapshot_string(b, "health");
		labels[1] = snapshot_string(b, config->health.text);
		snapshot_add_unsigned(b, METRIC_LISTENING, labels,
				      self->shared->listening[LISTENER_HEALTH]);
	}
	labels[0] = snapshot_string(b, "metrics");
	for (uint32_t i = 0; i < config->metrics_count; i++) {
		labels[1] = snapshot_string(b, config->metrics[i].text);
		snapshot_add_unsigned(b, METRIC_LISTENING, labels,
				      self->shared->listening[LISTENER_METRICS + i]);
	}
}

static void http_add(struct snapshot_builder *b, const struct self_metrics *self)
{
	for (int code = 0; code < SCRAPE_CODES; code++) {
		char text[8];
		uint32_t label;

		snprintf(text, sizeof(text), "%u", scrape_status((enum scrape_code)code));
		label = snapshot_string(b, text);
		snapshot_add_unsigned(b, METRIC_HTTP_REQUESTS, &label, self->codes[code]);
	}
	snapshot_add_unsigned(b, METRIC_HTTP_IN_FLIGHT, NULL, self->in_flight);
}

/*
 * A process that has just ended has no clock any more; the supervisor adds its time to
 * reaped_cpu_ns.
 */
static uint64_t process_cpu_ns(struct process_clock *known, int32_t pid)
{
	struct timespec time;

	if (known->pid != pid) {
		if (clock_getcpuclockid(pid, &known->clock))
			return 0;
		known->pid = pid;
	}
	if (clock_gettime(known->clock, &time))
		return 0;
	return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

static void processes_add(struct snapshot_builder *b, struct self_metrics *self)
{
	const struct shared *shared = self->shared;
	uint64_t started_ms = shared->start_time_realtime_ns / NS_PER_MS;
	uint64_t cpu_ns = shared->reaped_cpu_ns, resident = 0, virtual = 0, fds = 0;

	for (int i = 0; i < PROCESS_MAX; i++) {
		const struct process_cell *cell = &shared->processes[i];
		int32_t pid = cell->pid;

		if (i == PROCESS_WEBCONFIG && !self->config->web_config_file[0])
			continue;
		if (i != PROCESS_SUPERVISOR) {
			uint32_t label = snapshot_string(b, process_name((enum process)i));

			snapshot_add_unsigned(b, METRIC_PROCESS_RESTARTS, &label, cell->restarts);
		}
		if (!pid)
			continue;
		cpu_ns += process_cpu_ns(&self->clocks[i], pid);
		resident += cell->pss_bytes;
		virtual += cell->virtual_bytes;
		fds += cell->open_fds;
	}
	if (cpu_ns > self->cpu_ns)
		self->cpu_ns = cpu_ns;
	snapshot_add_float(b, METRIC_PROCESS_CPU, NULL, (double)self->cpu_ns / NS_PER_S);
	snapshot_add_unsigned(b, METRIC_PROCESS_RESIDENT, NULL, resident);
	snapshot_add_unsigned(b, METRIC_PROCESS_VIRTUAL, NULL, virtual);
	snapshot_add_unsigned(b, METRIC_PROCESS_FDS, NULL, fds);
	snapshot_add_unsigned(b, METRIC_PROCESS_MAX_FDS, NULL, self->max_fds);
	snapshot_add_float(b, METRIC_PROCESS_START_TIME, NULL, (double)started_ms / 1e3);
}

/* Only with --web.config.file. */
static void config_add(struct snapshot_builder *b, const struct self_metrics *self)
{
	const struct web_config_cell *cell = &self->shared->web_config;

	if (!self->config->web_config_file[0])
		return;
	snapshot_add_unsigned(b, METRIC_WEB_SUCCESS, NULL,
			      cell->successful && !self->config_failed);
	snapshot_add_float(b, METRIC_WEB_TIME, NULL, (double)cell->success_ms / 1e3);
	if (self->certificate_expiry)
		snapshot_add_unsigned(b, METRIC_WEB_EXPIRY, NULL,
				      (uint64_t)self->certificate_expiry);
	for (int i = 0; self->refused && i < REFUSALS; i++) {
		uint32_t label = snapshot_string(b, refusal_name((enum refusal)i));

		snapshot_add_unsigned(b, METRIC_WEB_REFUSED, &label, self->refused[i]);
	}
}

static void failures_add(struct snapshot_builder *b, uint32_t failed)
{
	for (unsigned int i = 0; i < COLLECTOR_MAX; i++) {
		uint32_t label;

		if (!(failed & 1u << i))
			continue;
		label = snapshot_string(b, config_collector_name(i));
		snapshot_add_unsigned(b, METRIC_COLLECTOR_SUCCESS, &label, 0);
	}
}

void self_metrics_fill(struct self_metrics *self, struct snapshot_builder *b, uint32_t failed)
{
	snapshot_reset(b);
	build_add(b);
	listening_add(b, self);
	processes_add(b, self);
	http_add(b, self);
	config_add(b, self);
	failures_add(b, failed);
}
