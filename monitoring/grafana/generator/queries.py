# SPDX-License-Identifier: Apache-2.0
"""Queries of the dashboards.

A proxy is (job, proxy_name). Two exporters may show it, a sidecar and an agent, with equal values.
once() takes the larger value, total() then adds proxies up. So nothing counts twice, and a replaced
pod continues in one line.
"""

PROXIES = 'job=~"$job", proxy_name=~"$proxy"'
EXPORTERS = 'job=~"$job", instance=~"$instance"'
ALERTS = 'alertname=~"(Proxy|Vpn|Wgsocks).+", job=~"$job|", proxy_name=~"$proxy|"'
EXPORTER_ALERTS = 'alertname=~"Wgsocks.+", job=~"$job|", instance=~"$instance|"'
JOIN = "on (job, instance, proxy_name)"


def of(name, more="", which=PROXIES):
    return f"{name}{{{which}{', ' + more if more else ''}}}"


def rate(name, more="", which=PROXIES):
    return f"rate({of(name, more, which)}[$__rate_interval])"


def once(expression, *labels, take="max"):
    """One value for each proxy (and label), from whichever exporter."""
    return f"{take} by ({', '.join(('job', 'proxy_name', *labels))}) ({expression})"


def total(expression, *labels):
    """Sum over proxies, of values of once()."""
    return f"sum by ({', '.join(labels)}) ({expression})" if labels else f"sum({expression})"


def each(expression, *labels):
    """One series for each proxy, summed over the other labels."""
    return total(expression, "job", "proxy_name", *labels)


def rates(name, more="", *labels, by=()):
    """Rate of a counter. labels: those that it has; by: those that the series keeps."""
    return each(once(rate(name, more), *labels), *by) if labels else once(rate(name, more))


def in_range(name, more="", *labels):
    """Growth of a counter in the time range: integral of rates, as counters restart in each pod."""
    rates_of_each = once(rate(name, more), *labels)
    return f"sum_over_time(({rates_of_each})[$__range:$__interval]) * $__interval_ms / 1000"


def share(part, whole):
    """part / whole; 0 where whole is 0, absent where one of them is absent."""
    return f"({part}) / (({whole}) > 0) or ({part}) * ({whole}) * 0"


def quantile(q, name, *labels, more="", by=("job", "proxy_name")):
    """labels: those of the histogram besides le; by: those that the series keeps.

    Absent instead of NaN without observations.
    """
    buckets = total(once(rate(name + "_bucket", more), "le", *labels), "le", *by)
    return f"histogram_quantile({q}, {buckets}) >= 0"


def number(expression):
    """The expression, or 0 where it has no value."""
    return f"{expression} or vector(0)"


# Queries of several dashboards.
REQUESTS = rates("proxy_requests_total", "", "command")
FAILED = once(rate("proxy_requests_failed_total"))
ENDED = once(f"{rate('proxy_requests_failed_total')} + {rate('proxy_requests_successful_total')}")
FAILED_SHARE = share(FAILED, ENDED)
BYTES = once(rate("proxy_bytes_transferred_total"))
ACTIVE = once(of("proxy_active_connections"))
# The worst value of all exporters: no usable tunnel, or no listener.
USABLE = once(f"{of('vpn_connection_status')} * {JOIN} {of('proxy_listener_up')}", take="min")

# The state as a number, for a colour; a larger number is worse.
STATES = ("up", "idle", "never", "stale", "no_peer", "no_interface")
STATE = once(
    " or ".join(
        f"""{of("vpn_tunnel_state", f'state="{state}"')} * {number}"""
        for number, state in enumerate(STATES, 1)
    )
)


def subject(alerts):
    """Subject of an alert: its proxy, else its exporter and its pod."""
    named = f'label_join({alerts}, "subject", " ", "instance", "pod")'
    return f'label_replace({named}, "subject", "$1", "proxy_name", "(.+)")'


BY_ALERT = "alertname, severity, subject"


def alerts(name="ALERTS", more="", which=ALERTS, single=False):
    """single: only exporters that showed this proxy within the last day."""
    if not single:
        return of(name, more, which)
    own, exporters = (of(name, more, which.replace("$proxy|", proxy)) for proxy in ("$proxy", ""))
    return f"({own} or ({exporters} and on (job, instance) last_over_time({of('proxy_info')}[1d])))"


def firing(severity, **which):
    now = alerts(more=f'alertstate="firing", severity="{severity}"', **which)
    return number(f"count(max by ({BY_ALERT}) ({subject(now)}))")


def firing_since(**which):
    """Seconds since the condition of each firing alert began."""
    now = alerts(more='alertstate="firing"', **which)
    return (
        f"time() - max by ({BY_ALERT}) ({subject(alerts('ALERTS_FOR_STATE', **which))}) "
        f"and on (alertname, subject) max by ({BY_ALERT}) ({subject(now)})"
    )
