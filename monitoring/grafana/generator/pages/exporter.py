# SPDX-License-Identifier: Apache-2.0
"""The exporters themselves: whether what all other dashboards show can be believed, and what it costs."""

from .. import panels as show
from ..frame import new
from ..queries import EXPORTER_ALERTS, EXPORTERS, number
from ..trouble import figures, firing_table


def own(name, more=""):
    return f"{name}{{{EXPORTERS}{', ' + more if more else ''}}}"


def self_(name, more=""):
    return own(f"wgsocks_exporter_{name}", more)


def rate(name, more="", window="$__rate_interval"):
    return f"rate({own(name, more)}[{window}])"


def by(expression, *labels):
    return f"max by ({', '.join(('job', 'instance', *labels))}) ({expression})"


# The standard families are every program's: only those of our jobs' exporters.
OURS = "and on (job, instance) wgsocks_exporter_build_info"
WHO = "{{instance}}"
MOST_MAPS = 'map!="proxies"'


def ours(name, more=""):
    return f"({own(name, more)} {OURS})"


def head(page):
    lost = number(f"sum({self_('events_lost_total').replace('wgsocks_exporter_events_lost_total', 'wgsocks:events_lost:increase15m')})")
    for panel in (
        *figures(3, which=EXPORTER_ALERTS),
        show.figure("Silent", "Exporters that do not answer Prometheus.", number('count(up{job=~"$job", instance=~"$instance"} == 0)'), steps=show.ANY_IS_BAD, width=3, link=("Runbook", "${runbooks}/WgsocksExporterDown.md")),
        show.figure("Collectors failing", "Readers whose last read failed: their samples are missing.", number(f"count({self_('collector_success')} == 0)"), steps=show.ANY_IS_BAD, width=3,
                    link=("Runbook", "${runbooks}/WgsocksCollectorFailing.md")),
        show.figure("Not attached", "BPF programs that are not where they should be.", number(f"count({self_('program_up')} == 0)"), steps=show.ANY_IS_BAD, width=3),
        show.figure("Lost in 15 min", "What could not be counted: by so much the numbers are too low.", lost, steps=show.ANY_IS_ODD, width=3, decimals=0, link=("Runbook", "${runbooks}/WgsocksCountsLost.md")),
        show.figure("Restarts, an hour", "Processes that the supervisor started again.", number(f"sum(increase({self_('process_restarts_total')}[1h]))"), steps=((None, show.GREEN), (0.5, show.YELLOW)), width=3, decimals=0),
        show.figure("Ports not opened", "Addresses on which an exporter cannot listen; it tries again, and its log says why.", number(f"count({self_('listening')} == 0)"), steps=show.ANY_IS_BAD, width=3),
        firing_table(12, 8, which=EXPORTER_ALERTS),
        show.timeline("Answering", "Whether each exporter answered Prometheus.", 'up{job=~"$job", instance=~"$instance"}', {1: ("answers", show.GREEN), 0: ("silent", show.RED)}, WHO, width=12, height=8),
        show.rows("Exporters", "A line for each, what it is and what it takes.", [
            show.Column("Exporter", label="instance"),
            show.Column("Collectors", by(f"min by (job, instance) ({self_('collector_success')})"), words=show.OK_WORDS, width=90),
            show.Column("Programs", by(f"min by (job, instance) ({self_('program_up')})"), words=show.OK_WORDS, width=90),
            show.Column("Version", label="version", width=90), show.Column("Revision", label="revision", width=120), show.Column("Arch", label="arch", width=80), show.Column("libbpf", label="libbpf", width=70),
            show.Column("Info", by(self_("build_info"), "version", "revision", "arch", "libbpf")),
            show.Column("Proxies", by(self_("proxies")), decimals=0, width=80),
            show.Column("Not watched", by(self_("proxies_unwatched")), decimals=0, steps=((None, "transparent"), (1, show.RED)), width=100),
            show.Column("Pinned", by(self_("pinned")), words={1: ("yes", show.GREEN), 0: ("no", show.YELLOW)}, width=80),
            show.Column("Running for", by(f"time() - {ours('process_start_time_seconds')}"), unit="s", decimals=0, width=110),
            show.Column("Memory (PSS)", by(ours("process_resident_memory_bytes")), unit="bytes", width=110),
            show.Column("Kernel memory", by(self_("bpf_memory_bytes")), unit="bytes", width=110),
            show.Column("CPU", by(f"rate({own('process_cpu_seconds_total')}[$__rate_interval]) {OURS}"), unit="percentunit", decimals=2, width=80),
        ], height=8, sort=("Collectors",), hide=("job", "Info")),
    ):
        page.with_panel(panel)


def reading(page):
    page.with_row(show.row("Reading: what is seen, and what is not"))
    for panel in (
        show.timeline("Collectors", "Each reader's last read, of the exporter that does worst. A failing one omits its samples.", f"min by (collector) ({self_('collector_success')})", show.OK_WORDS, "{{collector}}", width=12, height=10),
        show.timeline("Programs", "Each BPF program: loaded and attached, or not, of the exporter that does worst.", f"min by (program) ({self_('program_up')})", show.OK_WORDS, "{{program}}", width=12, height=10),
        show.lines("Time to read", "Of each reader's last read, the slowest exporter's.", [(f"max by (collector) ({self_('collector_duration_seconds')})", "{{collector}}")], "s", width=8),
        show.lines("Events lost", "Since the counters began, by cause: each step is something that no number has.", [(f"sum by (cause) ({self_('events_lost_total')})", "{{cause}}")], "short", width=8),
        show.lines("Recursion misses", "Events that one copy of a tracepoint program missed as it was interrupted; the other copy saw them. Not lost.", [
            (f"sum by (program) ({self_('recursion_misses_total')})", "{{program}}")], "short", width=8),
        show.rows("Proxies whose reads fail", "One source of many: its reader could not be asked. None is well.", [
            show.Column("Proxy", label="proxy_name", link=("This proxy in depth", show.TO_PROXY)), show.Column("Collector", label="collector"),
            show.Column("Read", by(self_("source_success"), "proxy_name", "collector"), words=show.OK_WORDS, width=90), show.Column("Exporter", label="instance"),
        ], width=12, height=8, sort=("Read",)),
        show.rows("How it is attached", "tcx (6.6 and later) or clsact, for each interface.", [
            show.Column("Exporter", label="instance"), show.Column("Proxy", label="proxy_name", link=("This proxy in depth", show.TO_PROXY)), show.Column("Interface", label="interface"),
            show.Column("Mode", label="mode"), show.Column("Attached", by(f"{self_('attach_mode')} == 1", "proxy_name", "interface", "mode")),
        ], width=12, height=8, hide=("job", "Attached")),
    ):
        page.with_panel(panel)


def cost(page):
    page.with_row(show.row("What it takes"))
    for panel in (
        show.lines("Memory", "Proportional set size of all processes of an exporter.", [(ours("process_resident_memory_bytes"), WHO)], "bytes", width=8),
        show.lines("Kernel memory", "BPF maps and programs.", [(self_("bpf_memory_bytes"), WHO)], "bytes", width=8),
        show.lines("Virtual memory", "Addresses, not memory: it says little, and is there as every program has it.", [(ours("process_virtual_memory_bytes"), WHO)], "bytes", width=8),
        show.lines("CPU", "User and system, all processes.", [(f"rate({own('process_cpu_seconds_total')}[$__rate_interval]) {OURS}", WHO)], "percentunit", width=8),
        show.lines("Open files", "Of all processes, against the limit of one.", [(f"{ours('process_open_fds')} / {ours('process_max_fds')}", WHO)], "percentunit", width=8),
        show.lines("Maps", "The fullest of each: entries against what it can hold. Without that of proxies, which a sidecar fills with its one.", [
            (f"max by (map) ({self_('map_entries', MOST_MAPS)} / on (job, instance, map) {self_('map_max_entries', MOST_MAPS)})", "{{map}}")], "percentunit", ((None, show.GREEN), (0.9, show.RED)), width=8),
        show.lines("Scrapes", "Answers of /metrics by status.", [(f"sum by (code) (rate({own('promhttp_metric_handler_requests_total')}[$__rate_interval]) {OURS})", "{{code}}")], "reqps", width=8, stacked=True,
                   colours={"200": show.GREEN, "500": show.RED, "503": show.ORANGE}),
        show.lines("Scrapes at once", "Being answered now; above --web.max-requests it is 503.", [(ours("promhttp_metric_handler_requests_in_flight"), WHO)], "short", width=8),
        show.lines("Time to scrape", "By Prometheus' clock.", [(ours("scrape_duration_seconds"), WHO)], "s", width=8),
        show.lines("Proxies watched", "By exporter.", [(self_("proxies"), WHO)], "short", width=8, decimals=0),
        show.lines("Restarts", "Of each process, since the supervisor began.", [(f"sum by (process) ({self_('process_restarts_total')})", "{{process}}")], "short", width=8, decimals=0),
        show.rows("Listening", "Each address that an exporter is to listen on.", [
            show.Column("Exporter", label="instance"), show.Column("Port", label="port"), show.Column("Address", label="address"),
            show.Column("Listens", by(self_("listening"), "port", "address"), words={1: ("yes", show.GREEN), 0: ("NO", show.RED)}, width=90),
        ], width=8, height=8, sort=("Listens",)),
    ):
        page.with_panel(panel)


def make():
    page = new("The exporter itself", "exporter", "Whether what the other dashboards show can be believed: exporters that are silent, readers that fail, events that were lost; and what the exporters take.",
               hours=6, instance=True)
    for part in (head, reading, cost):
        part(page)
    return page
