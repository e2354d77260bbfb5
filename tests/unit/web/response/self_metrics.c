// SPDX-License-Identifier: Apache-2.0
#include "web/response/self_metrics.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/exposition/exposition.h"

static struct config config;
static struct self_metrics self;
static struct shared *region;

static void init(void)
{
	region = shared_create(1);
	cr_assert_not_null(region);
	config.metrics_count = 2;
	strcpy(config.metrics[0].text, ":9090");
	strcpy(config.metrics[1].text, "[::1]:9091");
	strcpy(config.health.text, ":9999");
	config.health_enabled = true;
	config.collectors = COLLECTOR_ALL;
	self = (struct self_metrics){ .config = &config, .shared = region, .max_fds = 1024 };
}

TestSuite(self, .init = init);

static const char *shown(uint32_t failed)
{
	static struct exposition exposition;
	static struct snapshot_builder b;
	static struct text text;
	struct snapshot s;

	self_metrics_fill(&self, &b, failed);
	cr_assert_eq(b.error, 0);
	snapshot_view(&s, &b);
	text_reset(&text);
	cr_assert_eq(exposition_write(&exposition, &text, EXPOSITION_TEXT, &s, 1), 0);
	text_add(&text, "", 1);
	return text.data;
}

#define EXPECT_LINE(text, line) \
	cr_expect_not_null(strstr(text, "\n" line "\n"), "no line %s in\n%s", line, text)

Test(self, listening)
{
	region->listening[LISTENER_METRICS + 1] = 1;
	EXPECT_LINE(shown(0), "wgsocks_exporter_listening{port=\"metrics\",address=\":9090\"} 0");
	EXPECT_LINE(shown(0),
		    "wgsocks_exporter_listening{port=\"metrics\",address=\"[::1]:9091\"} 1");
	EXPECT_LINE(shown(0), "wgsocks_exporter_listening{port=\"health\",address=\":9999\"} 0");
	config.health_enabled = false;
	cr_expect_null(strstr(shown(0), "port=\"health\""));
}

Test(self, scrapes_by_code)
{
	self.codes[SCRAPE_BUSY] = 3;
	self.in_flight = 2;
	EXPECT_LINE(shown(0), "promhttp_metric_handler_requests_total{code=\"200\"} 0");
	EXPECT_LINE(shown(0), "promhttp_metric_handler_requests_total{code=\"400\"} 0");
	EXPECT_LINE(shown(0), "promhttp_metric_handler_requests_total{code=\"500\"} 0");
	EXPECT_LINE(shown(0), "promhttp_metric_handler_requests_total{code=\"503\"} 3");
	EXPECT_LINE(shown(0), "promhttp_metric_handler_requests_in_flight 2");
}

Test(self, processes)
{
	region->start_time_realtime_ns = 1795376532844999999;
	for (int i = 0; i < PROCESS_MAX; i++) {
		region->processes[i].pid = getpid();
		region->processes[i].pss_bytes = 100;
		region->processes[i].virtual_bytes = 1000;
		region->processes[i].open_fds = 10;
	}
	region->processes[PROCESS_WEB].restarts = 7;
	region->processes[PROCESS_HEALTH].pid = 0;
	EXPECT_LINE(shown(0), "process_resident_memory_bytes 300");
	EXPECT_LINE(shown(0), "process_virtual_memory_bytes 3000");
	EXPECT_LINE(shown(0), "process_open_fds 30");
	EXPECT_LINE(shown(0), "process_max_fds 1024");
	EXPECT_LINE(shown(0), "process_start_time_seconds 1795376532.844");
	EXPECT_LINE(shown(0), "wgsocks_exporter_process_restarts_total{process=\"web\"} 7");
	cr_expect_null(strstr(shown(0), "process=\"supervisor\""), "it is never restarted");
}

Test(self, web_config_where_there_is_one)
{
	static const uint64_t refused[REFUSALS] = { [REFUSAL_RATE] = 4 };

	self.refused = refused;
	cr_expect_null(strstr(shown(0), "wgsocks_exporter_web_"));
	cr_expect_null(strstr(shown(0), "process=\"webconfig\""));
	strcpy(config.web_config_file, "/web.yml");
	region->web_config.successful = 1;
	region->web_config.success_ms = 1795376532844;
	EXPECT_LINE(shown(0), "wgsocks_exporter_web_config_last_reload_successful 1");
	EXPECT_LINE(
		shown(0),
		"wgsocks_exporter_web_config_last_reload_success_timestamp_seconds 1795376532.844");
	EXPECT_LINE(shown(0),
		    "wgsocks_exporter_web_requests_refused_total{reason=\"rate_limit\"} 4");
	EXPECT_LINE(shown(0), "wgsocks_exporter_web_requests_refused_total{reason=\"tls\"} 0");
	EXPECT_LINE(shown(0), "wgsocks_exporter_process_restarts_total{process=\"webconfig\"} 0");
	cr_expect_null(strstr(shown(0), "certificate_expiry"), "without TLS");
	self.certificate_expiry = 1798172890;
	EXPECT_LINE(shown(0),
		    "wgsocks_exporter_web_certificate_expiry_timestamp_seconds 1798172890");
	self.config_failed = true;
	EXPECT_LINE(shown(0), "wgsocks_exporter_web_config_last_reload_successful 0");
}

static double cpu_shown(void)
{
	return atof(strstr(shown(0), "\nprocess_cpu_seconds_total ") +
		    strlen("\nprocess_cpu_seconds_total "));
}

Test(self, cpu_time_never_falls)
{
	struct timespec now;
	double shown_before;

	region->reaped_cpu_ns = 2500000000;
	region->processes[PROCESS_WEB].pid = getpid();
	shown_before = cpu_shown();
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	cr_expect_float_eq(shown_before, 2.5 + (double)now.tv_sec + (double)now.tv_nsec / 1e9,
			   0.01);
	region->processes[PROCESS_WEB].pid = 0;
	cr_expect_geq(cpu_shown(), shown_before, "ended, and not yet reaped");
	region->reaped_cpu_ns = 10000000000;
	cr_expect_geq(cpu_shown(), 10.0);
}

Test(self, a_collector_that_gave_nothing)
{
	cr_expect_null(strstr(shown(0), "collector_success"));
	EXPECT_LINE(shown(1u << COLLECTOR_SESSIONS),
		    "wgsocks_exporter_collector_success{collector=\"sessions\"} 0");
	cr_expect_null(strstr(shown(1u << COLLECTOR_SESSIONS), "collector=\"requests\""));
	cr_expect_null(strstr(shown(1u << COLLECTOR_SESSIONS), "\nproxy_"));
}
