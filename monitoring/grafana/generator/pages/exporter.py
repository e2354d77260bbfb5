# SPDX-License-Identifier: Apache-2.0
"""The exporters: whether the other dashboards are complete, and the exporters' resources."""

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


# Every Go or Python program has the standard families: select those of our exporters.
OURS = "and on (job, instance) wgsocks_exporter_build_info"
WHO = "{{instance}}"
MOST_MAPS = 'map!="proxies"'


def ours(name, more=""):
    return f"({own(name, more)} {OURS})"


def head(page):
    lost = number(f"sum({own('wgsocks:events_lost:increase15m')})")
    for panel in (
        *figures(3, which=EXPORTER_ALERTS),
        show.figure(
            "Exporters down",
            "Exporters that do not answer Prometheus.",
            number('count(up{job=~"$job", instance=~"$instance"} == 0)'),
            steps=show.ANY_IS_BAD,
            width=3,
            link=("Runbook", "${runbooks}/WgsocksExporterDown.md"),
        ),
        show.figure(
            "Failed collectors",
            "Collectors whose last read failed. Their metrics are missing.",
            number(f"count({self_('collector_success')} == 0)"),
            steps=show.ANY_IS_BAD,
            width=3,
            link=("Runbook", "${runbooks}/WgsocksCollectorFailing.md"),
        ),
        show.figure(
            "Programs down",
            "BPF programs that are not attached.",
            number(f"count({self_('program_up')} == 0)"),
            steps=show.ANY_IS_BAD,
            width=3,
        ),
        show.figure(
            "Events lost, 15 min",
            "Events that were not counted. Metrics are too low by this number.",
            lost,
            steps=show.ANY_IS_ODD,
            width=3,
            decimals=0,
            link=("Runbook", "${runbooks}/WgsocksCountsLost.md"),
        ),
        show.figure(
            "Restarts, 1 hour",
            "Processes that the supervisor restarted.",
            number(f"sum(increase({self_('process_restarts_total')}[1h]))"),
            steps=((None, show.GREEN), (0.5, show.YELLOW)),
            width=3,
            decimals=0,
        ),
        show.figure(
            "Ports not open",
            "Addresses on which an exporter cannot listen. It retries, and its log has the reason.",
            number(f"count({self_('listening')} == 0)"),
            steps=show.ANY_IS_BAD,
            width=3,
        ),
        firing_table(12, 8, which=EXPORTER_ALERTS),
        show.timeline(
            "Exporter reachability",
            "Whether each exporter answered Prometheus.",
            'up{job=~"$job", instance=~"$instance"}',
            {1: ("answers", show.GREEN), 0: ("down", show.RED)},
            WHO,
            width=12,
            height=8,
        ),
        show.rows(
            "Exporters",
            "One row for each exporter: state, version and resources.",
            [
                show.Column("Exporter", label="instance"),
                show.Column(
                    "Answers",
                    by(own("up")),
                    words={1: ("yes", show.GREEN), 0: ("DOWN", show.RED)},
                    width=80,
                ),
                show.Column(
                    "Collectors",
                    by(f"min by (job, instance) ({self_('collector_success')})"),
                    words=show.OK_WORDS,
                    width=90,
                ),
                show.Column(
                    "BPF programs",
                    by(f"min by (job, instance) ({self_('program_up')})"),
                    words=show.OK_WORDS,
                    width=90,
                ),
                show.Column("Version", label="version", width=90),
                show.Column("Revision", label="revision", width=120),
                show.Column("Arch", label="arch", width=80),
                show.Column("libbpf", label="libbpf", width=70),
                show.Column(
                    "Info", by(self_("build_info"), "version", "revision", "arch", "libbpf")
                ),
                show.Column("Proxies", by(self_("proxies")), decimals=0, width=80),
                show.Column(
                    "Not watched",
                    by(self_("proxies_unwatched")),
                    decimals=0,
                    steps=((None, "transparent"), (1, show.RED)),
                    width=100,
                ),
                show.Column(
                    "Pinned",
                    by(self_("pinned")),
                    words={1: ("yes", show.GREEN), 0: ("no", show.YELLOW)},
                    width=80,
                ),
                show.Column(
                    "Running for",
                    by(f"time() - {ours('process_start_time_seconds')}"),
                    unit="s",
                    decimals=0,
                    width=110,
                ),
                show.Column(
                    "Memory (PSS)",
                    by(ours("process_resident_memory_bytes")),
                    unit="bytes",
                    width=110,
                ),
                show.Column(
                    "Kernel memory", by(self_("bpf_memory_bytes")), unit="bytes", width=110
                ),
                show.Column(
                    "CPU",
                    by(f"rate({own('process_cpu_seconds_total')}[$__rate_interval]) {OURS}"),
                    unit="percentunit",
                    decimals=2,
                    width=80,
                ),
            ],
            height=8,
            sort=("Answers", "Collectors", "BPF programs"),
            hide=("job", "Info"),
        ),
    ):
        page.with_panel(panel)


def reading(page):
    page.with_row(show.row("Collectors and programs"))
    for panel in (
        show.timeline(
            "Collectors",
            (
                "Result of each collector's last read, of the worst exporter. A failed "
                "collector omits its metrics."
            ),
            f"min by (collector) ({self_('collector_success')})",
            show.OK_WORDS,
            "{{collector}}",
            width=12,
            height=10,
        ),
        show.timeline(
            "BPF programs",
            "Whether each BPF program is loaded and attached, of the worst exporter.",
            f"min by (program) ({self_('program_up')})",
            show.OK_WORDS,
            "{{program}}",
            width=12,
            height=10,
        ),
        show.lines(
            "Collector duration",
            "Duration of each collector's last read, of the slowest exporter.",
            [(f"max by (collector) ({self_('collector_duration_seconds')})", "{{collector}}")],
            "s",
            width=8,
        ),
        show.lines(
            "Events lost",
            "Events that were not counted since the counters started, by cause.",
            [(f"sum by (cause) ({self_('events_lost_total')})", "{{cause}}")],
            "short",
            width=8,
        ),
        show.lines(
            "Recursion misses",
            (
                "Events that one copy of a tracepoint program missed because it was "
                "interrupted. The other copy counted them, so they are not lost."
            ),
            [(f"sum by (program) ({self_('recursion_misses_total')})", "{{program}}")],
            "short",
            width=8,
        ),
        show.rows(
            "Collector results by proxy",
            "Result of each collector's last read of each proxy, failed ones first.",
            [
                show.Column("Proxy", label="proxy_name", link=("Proxy details", show.TO_PROXY)),
                show.Column("Collector", label="collector"),
                show.Column(
                    "Read",
                    by(self_("source_success"), "proxy_name", "collector"),
                    words=show.OK_WORDS,
                    width=90,
                ),
                show.Column("Exporter", label="instance"),
            ],
            width=12,
            height=8,
            sort=("Read",),
        ),
        show.rows(
            "Attachments",
            "How programs are attached to each interface: tcx (Linux 6.6 and later) or clsact.",
            [
                show.Column("Exporter", label="instance"),
                show.Column("Proxy", label="proxy_name", link=("Proxy details", show.TO_PROXY)),
                show.Column("Interface", label="interface"),
                show.Column("Mode", label="mode"),
                show.Column(
                    "Attached",
                    by(f"{self_('attach_mode')} == 1", "proxy_name", "interface", "mode"),
                ),
            ],
            width=12,
            height=8,
            hide=("job", "Attached"),
        ),
    ):
        page.with_panel(panel)


def cost(page):
    page.with_row(show.row("Resources"))
    for panel in (
        show.lines(
            "Memory",
            "Proportional set size of all processes of each exporter.",
            [(ours("process_resident_memory_bytes"), WHO)],
            "bytes",
            width=8,
        ),
        show.lines(
            "Kernel memory",
            "Kernel memory of BPF maps and programs.",
            [(self_("bpf_memory_bytes"), WHO)],
            "bytes",
            width=8,
        ),
        show.lines(
            "Virtual memory",
            "Virtual memory of all processes: reserved addresses, not used memory.",
            [(ours("process_virtual_memory_bytes"), WHO)],
            "bytes",
            width=8,
        ),
        show.lines(
            "CPU",
            "User and system CPU time of all processes.",
            [(f"rate({own('process_cpu_seconds_total')}[$__rate_interval]) {OURS}", WHO)],
            "percentunit",
            width=8,
        ),
        show.lines(
            "Open files",
            "Open file descriptors of all processes, relative to the limit of one process.",
            [(f"{ours('process_open_fds')} / {ours('process_max_fds')}", WHO)],
            "percentunit",
            width=8,
        ),
        show.lines(
            "Map usage",
            (
                "Entries of each BPF map relative to its capacity, of the fullest exporter. "
                "Without the map proxies, which one sidecar fills."
            ),
            [
                (
                    (
                        f"max by (map) ({self_('map_entries', MOST_MAPS)} / "
                        f"on (job, instance, map) {self_('map_max_entries', MOST_MAPS)})"
                    ),
                    "{{map}}",
                )
            ],
            "percentunit",
            ((None, show.GREEN), (0.9, show.RED)),
            width=8,
        ),
        show.lines(
            "Scrapes by status",
            "Answers of /metrics by HTTP status.",
            [
                (
                    f"sum by (code) ({rate('promhttp_metric_handler_requests_total')} {OURS})",
                    "{{code}}",
                )
            ],
            "reqps",
            width=8,
            stacked=True,
            colours={"200": show.GREEN, "500": show.RED, "503": show.ORANGE},
        ),
        show.lines(
            "Concurrent scrapes",
            "Scrapes being answered. Scrapes above --web.max-requests get 503.",
            [(ours("promhttp_metric_handler_requests_in_flight"), WHO)],
            "short",
            width=8,
        ),
        show.lines(
            "Scrape duration",
            "Duration of a scrape, measured by Prometheus.",
            [(ours("scrape_duration_seconds"), WHO)],
            "s",
            width=8,
        ),
        show.lines(
            "Proxies watched",
            "Number of proxies that each exporter watches.",
            [(self_("proxies"), WHO)],
            "short",
            width=8,
            decimals=0,
        ),
        show.lines(
            "Process restarts",
            "Restarts of each process since the supervisor started.",
            [(f"sum by (process) ({self_('process_restarts_total')})", "{{process}}")],
            "short",
            width=8,
            decimals=0,
        ),
        show.rows(
            "Listening addresses",
            "Configured addresses of each exporter, and whether it listens on them.",
            [
                show.Column("Exporter", label="instance"),
                show.Column("Port", label="port"),
                show.Column("Address", label="address"),
                show.Column(
                    "Listens",
                    by(self_("listening"), "port", "address"),
                    words={1: ("yes", show.GREEN), 0: ("NO", show.RED)},
                    width=90,
                ),
            ],
            width=8,
            height=8,
            sort=("Listens",),
        ),
    ):
        page.with_panel(panel)


def make():
    page = new(
        "Exporter health",
        "exporter",
        (
            "Whether the other dashboards are complete: exporters that are down, failed "
            "collectors, lost events; and the resources of the exporters."
        ),
        hours=6,
        instance=True,
    )
    for part in (head, reading, cost):
        part(page)
    return page
