# SPDX-License-Identifier: Apache-2.0
"""How the dashboards ask.

A proxy is (job, proxy_name). It may be seen by two exporters, its sidecar and its node's agent, which say the same: of what they say the greater
is taken (once), and then it is summed up (total). So nothing counts twice, and a pod that was replaced goes on in one line.
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
    """One for each proxy (and label), whoever sees it."""
    return f"{take} by ({', '.join(('job', 'proxy_name', *labels))}) ({expression})"


def total(expression, *labels):
    """Over all proxies: of what came once."""
    return f"sum by ({', '.join(labels)}) ({expression})" if labels else f"sum({expression})"


def each(expression, *labels):
    """A line for each proxy, the other labels summed up."""
    return total(expression, "job", "proxy_name", *labels)


def rates(name, more="", *labels, by=()):
    """The rate of a counter that has more labels than a line is to have: labels are what it has, by what the line keeps."""
    return each(once(rate(name, more), *labels), *by) if labels else once(rate(name, more))


def in_range(name, more="", *labels):
    """How much a counter grew in the dashboard's time, for each proxy: the rates' integral, as a counter begins anew in each pod."""
    return f"sum_over_time(({once(rate(name, more), *labels)})[$__range:$__interval]) * $__interval_ms / 1000"


def share(part, whole):
    """0 where nothing was to be divided."""
    return f"({part}) / (({whole}) > 0) or ({whole}) * 0"


def quantile(q, name, *labels, more="", by=("job", "proxy_name")):
    """labels: what the histogram has beside le; by: what the line keeps. Nothing, and not NaN, where nothing was observed."""
    return f"histogram_quantile({q}, {total(once(rate(name + '_bucket', more), 'le', *labels), 'le', *by)}) >= 0"


def number(expression):
    """0 where there is nothing to count: for figures that have to be there."""
    return f"{expression} or vector(0)"


# What several dashboards ask.
REQUESTS = rates("proxy_requests_total", "", "command")
FAILED = once(rate("proxy_requests_failed_total"))
ENDED = once(f"{rate('proxy_requests_failed_total')} + {rate('proxy_requests_successful_total')}")
FAILED_SHARE = share(FAILED, ENDED)
BYTES = once(rate("proxy_bytes_transferred_total"))
ACTIVE = once(of("proxy_active_connections"))
# The worst that an exporter says: a tunnel that cannot be used, or nobody who listens.
USABLE = once(f"{of('vpn_connection_status')} * {JOIN} {of('proxy_listener_up')}", take="min")

# The state as a number, so that a colour can stand for it; the greater the worse.
STATES = ("up", "idle", "never", "stale", "no_peer", "no_interface")
STATE = once(" or ".join(f"""{of('vpn_tunnel_state', f'state="{state}"')} * {number}""" for number, state in enumerate(STATES, 1)))


def subject(alerts):
    """Whom an alert is about: its proxy, else its exporter."""
    named = f'label_replace({alerts}, "subject", "$1", "instance", "(.+)")'
    return f'label_replace({named}, "subject", "$1", "proxy_name", "(.+)")'


BY_ALERT = "alertname, severity, subject"


def alerts(name="ALERTS", more="", which=ALERTS, single=False):
    """single: of exporters only those that showed this proxy within the day."""
    if not single:
        return of(name, more, which)
    own, exporters = (of(name, more, which.replace("$proxy|", proxy)) for proxy in ("$proxy", ""))
    return f"({own} or ({exporters} and on (job, instance) last_over_time({of('proxy_info')}[1d])))"


def firing(severity, **which):
    now = alerts(more=f'alertstate="firing", severity="{severity}"', **which)
    return number(f"count(max by ({BY_ALERT}) ({subject(now)}))")


def firing_since(**which):
    """The seconds for which each has fired, or waited to."""
    now = alerts(more='alertstate="firing"', **which)
    return (f"time() - max by ({BY_ALERT}) ({subject(alerts('ALERTS_FOR_STATE', **which))}) "
            f"and on (alertname, subject) max by ({BY_ALERT}) ({subject(now)})")
