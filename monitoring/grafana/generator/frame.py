# SPDX-License-Identifier: Apache-2.0
"""Common parts of all dashboards: variables, links, alerts as annotations."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from .queries import ALERTS, EXPORTER_ALERTS, of

TAG = "wgsocks"
RUNBOOKS = "https://git.example/wgsocks_exporter/docs/runbooks"
DATASOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")


def seen(series):
    """Now or in the time range, sampled every ten minutes: all samples of a month are too many."""
    return f"({series} or last_over_time({series}[$__range:10m]))"


# The namespace is the pod's where an agent knows it, else the target's.
PROXY = "on (job, instance, proxy_name)"
TARGET = seen('proxy_info{job=~"$job", namespace=~"$namespace"}')
ANY_TARGET = seen('proxy_info{job=~"$job"}')
POD = seen('proxy_kubernetes_info{job=~"$job", proxy_namespace=~"$namespace"}')
ANY_POD = seen('proxy_kubernetes_info{job=~"$job"}')
IN_NAMESPACE = f"{TARGET} unless {PROXY} {ANY_POD} or {ANY_TARGET} and {PROXY} {POD}"
NAMESPACES = (
    f'count by (namespace) (proxy_info{{namespace!=""}} unless {PROXY} proxy_kubernetes_info) '
    "or count by (namespace) (label_replace(proxy_kubernetes_info, "
    '"namespace", "$1", "proxy_namespace", "(.+)"))'
)
LABEL = '/%s="((?:[^"\\\\]|\\\\.)*)"/'


def variable(name, label, query, regex="", several=True, everything=None, description=""):
    one = (
        build.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query({"query": query, "refId": name})
        .regex(regex)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .description(description)
    )
    if several:
        one.multi(True).include_all(True).current(
            model.VariableOption(text="All", value=["$__all"])
        )
    if everything:
        one.all_value(everything)
    return one


def variables(single=False, instance=False):
    found = [
        build.DatasourceVariable("datasource").label("Data source").type("prometheus"),
        variable(
            "job",
            "Job",
            f"label_values({'wgsocks_exporter_build_info' if instance else 'proxy_info'}, job)",
            description="Prometheus job. Job and name identify a proxy.",
        ),
    ]
    if instance:
        found.append(
            variable(
                "instance",
                "Exporter",
                'label_values(wgsocks_exporter_build_info{job=~"$job"}, instance)',
                everything=".+",
            )
        )
    else:
        # "All" includes targets without the label.
        found.append(
            variable(
                "namespace",
                "Namespace",
                f"query_result({NAMESPACES})",
                LABEL % "namespace",
                everything=".*",
                description="Kubernetes namespace: limits the list of proxies.",
            )
        )
        found.append(
            variable(
                "proxy",
                "Proxy",
                f"query_result(count by (proxy_name) ({IN_NAMESPACE}))",
                LABEL % "proxy_name",
                several=not single,
                description="Each proxy that an exporter showed in the time range.",
            )
        )
    found.append(build.ConstantVariable("runbooks").label("Runbooks").value(RUNBOOKS))
    return found


def new(title, name, description, hours=6, single=False, instance=False, refresh="30s", since=None):
    """since: begin of the time range, instead of hours."""
    return (
        build.Dashboard(title)
        .uid(f"wgsocks-{name}")
        .description(description)
        .tags([TAG])
        .timezone("browser")
        .time(since or f"now-{hours}h", "now")
        .refresh(refresh)
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .editable()
        .variables(variables(single, instance))
        .annotation(Marks(EXPORTER_ALERTS if instance else ALERTS))
        .link(
            build.DashboardLink("Dashboards")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
        )
        .link(
            build.DashboardLink("Runbooks")
            .type(model.DashboardLinkType.LINK)
            .icon("doc")
            .url("${runbooks}/README.md")
            .target_blank(True)
            .tooltip("Impact, confirm and fix of each alert")
        )
    )


class Mark(model.AnnotationQuery):
    """An annotation with fields of the Prometheus data source, which the SDK lacks."""

    def to_json(self):
        return {
            **super().to_json(),
            "titleFormat": "{{alertname}}",
            "textFormat": "{{proxy_name}} {{instance}}",
            "tagKeys": "severity",
        }


class Marks:
    """Alerts on every chart, each from its begin to its end."""

    def __init__(self, which):
        self.mark = Mark(
            name="Alerts",
            datasource=DATASOURCE,
            enable=True,
            icon_color="red",
            expr=of("ALERTS", 'alertstate="firing"', which),
        )

    def build(self):
        return self.mark
