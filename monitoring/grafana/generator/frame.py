# SPDX-License-Identifier: Apache-2.0
"""What every dashboard has: variables, links to the others, alerts as marks on its charts."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from .queries import ALERTS, EXPORTER_ALERTS, of

TAG = "wgsocks"
RUNBOOKS = "https://git.example/wgsocks_exporter/docs/runbooks"
DATASOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")

# Whose namespace counts: the pod's where the agent of a node knows it, else the target's.
def seen(series):
    """Now, or in the dashboard's time: looked for at every ten minutes, as all samples of a month are too many."""
    return f"({series} or last_over_time({series}[$__range:10m]))"


IN_NAMESPACE = (f"""{seen('proxy_info{job=~"$job", namespace=~"$namespace"}')} unless on (job, instance, proxy_name) {seen('proxy_kubernetes_info{job=~"$job"}')} """
                f"""or {seen('proxy_info{job=~"$job"}')} and on (job, instance, proxy_name) {seen('proxy_kubernetes_info{job=~"$job", proxy_namespace=~"$namespace"}')}""")
NAMESPACES = ('count by (namespace) (proxy_info{namespace!=""} unless on (job, instance, proxy_name) proxy_kubernetes_info) '
              'or count by (namespace) (label_replace(proxy_kubernetes_info, "namespace", "$1", "proxy_namespace", "(.+)"))')
LABEL = '/%s="((?:[^"\\\\]|\\\\.)*)"/'


def variable(name, label, query, regex="", several=True, everything=None, description=""):
    one = (build.QueryVariable(name).label(label).datasource(DATASOURCE).query({"query": query, "refId": name})
           .regex(regex).refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(model.VariableSort.ALPHABETICAL_ASC).description(description))
    if several:
        one.multi(True).include_all(True).current(model.VariableOption(text="All", value=["$__all"]))
    if everything:
        one.all_value(everything)
    return one


def variables(single=False, instance=False):
    found = [
        build.DatasourceVariable("datasource").label("Data source").type("prometheus"),
        variable("job", "Job", f"label_values({'wgsocks_exporter_build_info' if instance else 'proxy_info'}, job)",
                 description="Prometheus' job. A proxy is told by job and name."),
    ]
    if instance:
        found.append(variable("instance", "Exporter", 'label_values(wgsocks_exporter_build_info{job=~"$job"}, instance)', everything=".+"))
    else:
        # Everything: targets without the label, too.
        found.append(variable("namespace", "Namespace", f"query_result({NAMESPACES})", LABEL % "namespace", everything=".*",
                              description="Kubernetes' namespace, if there is one: which proxies are offered."))
        found.append(variable("proxy", "Proxy", f"query_result(count by (proxy_name) ({IN_NAMESPACE}))", LABEL % "proxy_name", several=not single,
                              description="Every proxy that was seen in the dashboard's time."))
    found.append(build.ConstantVariable("runbooks").label("Runbooks").value(RUNBOOKS))
    return found


def new(title, name, description, hours=6, single=False, instance=False, refresh="30s", since=None):
    """since: the time's beginning, when it is not so many hours ago."""
    return (build.Dashboard(title).uid(f"wgsocks-{name}").description(description).tags([TAG]).timezone("browser")
            .time(since or f"now-{hours}h", "now").refresh(refresh).tooltip(model.DashboardCursorSync.CROSSHAIR).editable()
            .variables(variables(single, instance)).annotation(Marks(EXPORTER_ALERTS if instance else ALERTS))
            .link(build.DashboardLink("Dashboards").type(model.DashboardLinkType.DASHBOARDS).tags([TAG]).as_dropdown(True).include_vars(True).keep_time(True))
            .link(build.DashboardLink("Runbooks").type(model.DashboardLinkType.LINK).icon("doc").url("${runbooks}/README.md").target_blank(True)
                  .tooltip("What each alert means and what to do")))


class Mark(model.AnnotationQuery):
    """With what Prometheus' data source calls it, which the SDK does not know."""

    def to_json(self):
        return {**super().to_json(), "titleFormat": "{{alertname}}", "textFormat": "{{proxy_name}} {{instance}}", "tagKeys": "severity"}


class Marks:
    """Alerts on every chart, from the first moment of each to its last."""

    def __init__(self, which):
        self.mark = Mark(name="Alerts", datasource=DATASOURCE, enable=True, icon_color="red", expr=of("ALERTS", 'alertstate="firing"', which))

    def build(self):
        return self.mark
