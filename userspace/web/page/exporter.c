// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <math.h>

#include "lib/version/version.h"
#include "web/page/html.h"
#include "web/page/view.h"

static void counts_write(struct text *out, const struct page_top *top, const char *none)
{
	for (unsigned int i = 0; i < top->count; i++) {
		text_puts(out, i ? ", " : "");
		html_escape(out, top->entries[i].what);
		text_puts(out, " ");
		html_count_data(out, top->entries[i].count);
	}
	if (!top->count)
		text_puts(out, none);
	text_puts(out, "\n");
}

static void programs_write(struct text *out, const struct page_exporter *e)
{
	text_puts(out, "<dt>BPF programs<dd>");
	if (!e->programs) {
		text_puts(out, "unknown\n");
		return;
	}
	text_printf(out, "%u of %u attached", e->programs - e->programs_down.count, e->programs);
	for (unsigned int i = 0; i < e->programs_down.count; i++) {
		text_puts(out, i ? ", " : "; not attached: ");
		html_escape(out, e->programs_down.entries[i].what);
	}
	text_puts(out, e->pinned ? "; pinned: counting continues if the exporter is killed\n"
				 : "; not pinned: counting stops with the exporter\n");
}

static void since_write(struct text *out, const struct page_view *view)
{
	double started = view->model.exporter.started;

	text_puts(out, "<dt>Uptime<dd>");
	if (isfinite(started) && started >= 0 && started <= (double)view->source->time_s)
		html_duration(out, view->source->time_s - (uint64_t)started);
	else
		text_puts(out, "?");
	text_puts(out, "\n<dt>Restarts<dd>");
	counts_write(out, &view->model.exporter.restarts, "none");
}

static void links_write(struct text *out, const struct config *config)
{
	text_puts(out, "<nav aria-label=\"Links\"><ul>\n<li><a href=\"");
	html_escape(out, config->telemetry_path);
	text_puts(out, "\">Metrics</a> for Prometheus\n<li><a href=\"/-/healthy\">/-/healthy</a>, "
		       "<a href=\"/-/ready\">/-/ready</a>: state of web server and collector\n");
	if (config->health_enabled) {
		text_puts(out, "<li>Probes on <code>");
		html_escape(out, config->health.text);
		text_puts(out, "</code>: <code class=probe>/livez</code> <code "
			       "class=probe>/readyz?verbose</code> "
			       "<code class=probe>/startupz</code>\n");
	}
	text_puts(out, "<li>Documentation: <code>man wgsocks_exporter</code>, "
		       "<code>wgsocks_exporter --help-metrics</code>; docs/metrics.md and "
		       "docs/runbooks in the source tree\n</ul></nav>\n");
}

/* The number of running processes: the resident memory is their sum. */
static unsigned int processes_count(const struct shared *shared)
{
	unsigned int n = 0;

	for (int i = 0; i < PROCESS_MAX; i++)
		n += shared->processes[i].pid != 0;
	return n;
}

void exporter_write(struct text *out, const struct page_view *view)
{
	const struct page_exporter *e = &view->model.exporter;

	text_puts(out, "<section><h2>Exporter</h2>\n");
	view_reasons(out, &view->exporter);
	text_puts(out, "<dl class=facts>\n<dt>Version<dd>");
	html_escape(out, version_string);
	text_puts(out, " (");
	html_escape(out, version_revision);
	text_puts(out, ", ");
	html_escape(out, version_arch);
	text_puts(out, view->source->config->mode == CONFIG_MODE_NODE ? "), node agent\n"
								      : "), sidecar\n");
	since_write(out, view);
	if (view->model.answered) {
		programs_write(out, e);
		text_puts(out, "<dt>Lost events<dd>");
		counts_write(out, &e->lost, "none");
		text_puts(out, "<dt>Failing collectors<dd>");
		words_collectors(out, e->collectors_failed);
		text_puts(out, e->collectors_failed ? "\n" : "none\n");
	}
	text_puts(out, "<dt>Memory<dd>");
	html_bytes_data(out, e->resident_bytes);
	text_printf(out, " in %u processes", processes_count(view->source->shared));
	if (view->model.answered) {
		text_puts(out, ", ");
		html_bytes_data(out, e->kernel_bytes);
		text_puts(out, " in the kernel");
	}
	text_puts(out, "\n</dl>\n");
	links_write(out, view->source->config);
	text_puts(out, "</section>\n");
}

void glossary_write(struct text *out)
{
	text_puts(out, "<details><summary>Glossary</summary>\n<dl class=facts>\n"
		       "<dt>Problem<dd>clients of the proxy are affected now\n"
		       "<dt>Needs attention<dd>the proxy works, but requests failed, traffic "
		       "leaked, or data is missing\n");
	for (unsigned int state = 0; state < TUNNEL_STATE_MAX; state++)
		text_printf(out, "<dt>Tunnel %s<dd>%s\n", words_tunnel((enum tunnel_state)state),
			    words_tunnel_meaning((enum tunnel_state)state));
	text_puts(out, "<dt>Failed<dd>requests without a success reply; "
		       "proxy_request_failures_total has the reasons\n"
		       "<dt>Totals<dd>since counting started; they survive restarts while "
		       "the BPF programs stay pinned\n"
		       "</dl></details>\n");
}
