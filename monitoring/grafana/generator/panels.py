# SPDX-License-Identifier: Apache-2.0
"""One function for each kind of panel; each needs a title and a description."""

import dataclasses
import string

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    geomap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from .frame import DATASOURCE

GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "#8e8e8e"
NEUTRAL = ((None, BLUE),)
# Each pair: from this value on, this colour.
ANY_IS_BAD = ((None, GREEN), (1, RED))
ANY_IS_ODD = ((None, GREEN), (1, YELLOW))
FAILED_SHARE_STEPS = ((None, GREEN), (0.05, YELLOW), (0.25, RED))  # 0.25: ProxyRequestsFailing
ZERO_IS_BAD = ((None, RED), (1, GREEN))
STATE_WORDS = {
    1: ("up", GREEN),
    2: ("idle", "dark-green"),
    3: ("never used", BLUE),
    4: ("stale", RED),
    5: ("no peer", RED),
    6: ("no interface", RED),
}
UP_WORDS = {1: ("up", GREEN), 0: ("DOWN", RED)}
OK_WORDS = {1: ("ok", GREEN), 0: ("FAILS", RED)}
CALLED = {
    "lastNotNull": "Last *",
    "max": "Max",
    "min": "Min",
    "sum": "Total",
    "mean": "Mean",
    "range": "Range",
}  # Grafana's names in a legend
TO_PROXY = (
    "/d/wgsocks-proxy/?${__url_time_range}&var-datasource=${datasource}"
    "&${job:queryparam}&var-proxy=${__value.raw}"
)
TO_RUNBOOK = "${runbooks}/${__value.raw}.md"


@dataclasses.dataclass
class Column:
    """A column of a table: the value of a query or, without a query, one of its labels."""

    name: str
    query: str = None
    label: str = None
    unit: str = None
    steps: tuple = None
    words: dict = None
    link: tuple = None  # title, address
    decimals: int = None
    width: int = None
    gauge: float = None  # shown as a bar with this maximum; 0: the largest value

    def properties(self):
        found = []
        if self.unit:
            found.append(("unit", self.unit))
        if self.decimals is not None:
            found.append(("decimals", self.decimals))
        if self.width:
            found.append(("custom.width", self.width))
        if self.words:
            found.append(("mappings", [words(self.words)]))
        # Without steps Grafana gives bars and the background of empty cells the colour of text.
        steps = self.steps or (
            NEUTRAL if self.gauge is not None else self.words and ((None, "transparent"),)
        )
        if steps:
            found.append(
                (
                    "thresholds",
                    {
                        "mode": "absolute",
                        "steps": [{"value": at, "color": colour} for at, colour in steps],
                    },
                )
            )
        if self.gauge is not None:
            # fieldMinMax: the longest bar is the largest value of this column, not of the table.
            found += [
                (
                    "custom.cellOptions",
                    {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
                ),
                ("min", 0),
                ("fieldMinMax", True),
            ]
            if self.gauge:
                found.append(("max", self.gauge))
        elif self.steps or any(
            colour != "transparent" for _text, colour in (self.words or {}).values()
        ):
            found.append(("custom.cellOptions", {"type": "color-background", "mode": "basic"}))
        if self.link:
            found.append(
                (
                    "links",
                    [
                        {
                            "title": self.link[0],
                            "url": self.link[1],
                            "targetBlank": "runbooks" in self.link[1],
                        }
                    ],
                )
            )
        return [model.DynamicConfigValue(id_val=key, value=value) for key, value in found]


def words(meanings):
    return model.ValueMap(
        options={
            str(value): model.ValueMappingResult(text=text, color=colour, index=index)
            for index, (value, (text, colour)) in enumerate(meanings.items())
        }
    )


def query(expression, legend="", instant=False, ref="A", as_table=False):
    one = (
        prometheus.Dataquery()
        .expr(expression)
        .legend_format(legend or "__auto")
        .ref_id(ref)
        .datasource(DATASOURCE)
    )
    one = one.instant() if instant else one.range()
    return one.format(PromQueryFormat.TABLE) if as_table else one


def thresholds(steps):
    return (
        build.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value=value, color=colour) for value, colour in steps])
    )


def _begin(panel, title, description, width, height, unit, decimals):
    panel.title(title).description(description).datasource(DATASOURCE).span(width).height(height)
    if unit:
        panel.unit(unit)
    if decimals is not None:
        panel.decimals(decimals)
    return panel


def _numbers(panel, queries, instant):
    for letter, one in zip(string.ascii_uppercase, queries, strict=False):
        expression, legend = (one, "") if isinstance(one, str) else one
        panel.with_target(query(expression, legend, instant, letter))
    return panel


def figure(
    title,
    description,
    expression,
    unit=None,
    steps=NEUTRAL,
    meanings=None,
    width=4,
    height=4,
    decimals=None,
    link=None,
    spark=False,
    empty=None,
):
    """One number on a coloured background."""
    panel = _begin(stat.Panel(), title, description, width, height, unit, decimals)
    panel.thresholds(thresholds(steps)).color_mode(
        shapes.BigValueColorMode.BACKGROUND
        if steps is not NEUTRAL or meanings
        else shapes.BigValueColorMode.VALUE
    )
    panel.graph_mode(shapes.BigValueGraphMode.AREA if spark else shapes.BigValueGraphMode.NONE)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    # A query with a legend has several values, each with its name.
    panel.text_mode(
        shapes.BigValueTextMode.VALUE
        if isinstance(expression, str)
        else shapes.BigValueTextMode.VALUE_AND_NAME
    )
    if meanings:
        panel.mappings([words(meanings)])
    if link:
        panel.data_links([build.DashboardLink(link[0]).url(link[1])])
    if empty:
        panel.no_value(empty)
    return _numbers(panel, [expression], not spark)


def lines(
    title,
    description,
    queries,
    unit=None,
    steps=None,
    width=12,
    height=8,
    stacked=False,
    bars=False,
    decimals=None,
    least=0,
    interval=None,
    colours=None,
    calcs=("lastNotNull", "max"),
    since=None,
):
    """queries: (expression, legend), …; since: a fixed time range.

    colours: series name or /pattern/ → colour.
    """
    panel = _begin(timeseries.Panel(), title, description, width, height, unit, decimals)
    panel.line_width(1).fill_opacity(60 if bars else 25 if stacked else 8).show_points(
        shapes.VisibilityMode.NEVER
    )
    panel.color_scheme(build.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
    panel.tooltip(
        common.VizTooltipOptions()
        .mode(shapes.TooltipDisplayMode.MULTI)
        .sort(shapes.SortOrder.DESCENDING)
    )
    panel.legend(
        common.VizLegendOptions()
        .display_mode(shapes.LegendDisplayMode.TABLE)
        .show_legend(True)
        .calcs(list(calcs))
        .sort_by(CALLED[calcs[0]])
        .sort_desc(calcs[0] != "min")
        .placement(shapes.LegendPlacement.BOTTOM)
    )
    if bars:
        panel.draw_style(shapes.GraphDrawStyle.BARS)
    if stacked:
        panel.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL).group("A"))
    if least is not None:
        panel.min(least)
    if interval:
        panel.interval(interval)
    if since:
        panel.time_from(since)
    if steps:
        panel.thresholds(thresholds(steps)).thresholds_style(
            common.GraphThresholdsStyleConfig().mode(shapes.GraphThresholdsStyleMode.DASHED)
        )
    for name, colour in (colours or {}).items():
        how = panel.override_by_regexp if name.startswith("/") else panel.override_by_name
        how(
            name,
            [
                model.DynamicConfigValue(
                    id_val="color", value={"mode": "fixed", "fixedColor": colour}
                )
            ],
        )
    return _numbers(panel, queries, False)


def ranking(
    title,
    description,
    expression,
    legend="{{proxy_name}}",
    unit=None,
    steps=NEUTRAL,
    width=8,
    height=8,
    decimals=None,
    greatest=None,
    least_first=False,
):
    """One bar for each series, the largest first, or with least_first the smallest."""
    panel = _begin(bargauge.Panel(), title, description, width, height, unit, decimals)
    panel.orientation(shapes.VizOrientation.HORIZONTAL).display_mode(
        shapes.BarGaugeDisplayMode.BASIC
    ).value_mode(shapes.BarGaugeValueMode.COLOR)
    panel.name_placement(shapes.BarGaugeNamePlacement.LEFT).show_unfilled(True).min(0).thresholds(
        thresholds(steps)
    )
    # By default a single bar fills the panel, with a font of that size.
    panel.sizing(shapes.BarGaugeSizing.MANUAL).min_viz_height(16).max_viz_height(32)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    if greatest is not None:
        panel.max(greatest)
    return _numbers(
        panel, [(f"{'sort' if least_first else 'sort_desc'}({expression})", legend)], True
    )


def timeline(title, description, expression, meanings, legend="{{proxy_name}}", width=24, height=8):
    """One band for each series, coloured by its state at each time."""
    panel = _begin(statetimeline.Panel(), title, description, width, height, None, None)
    panel.mappings([words(meanings)]).show_value(shapes.VisibilityMode.AUTO).merge_values(
        True
    ).row_height(0.8).line_width(0).fill_opacity(80)
    panel.color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS)).thresholds(
        thresholds(NEUTRAL)
    )
    panel.legend(
        common.VizLegendOptions()
        .display_mode(shapes.LegendDisplayMode.LIST)
        .placement(shapes.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs([])
    )
    return _numbers(panel, [(expression, legend)], False)


def rows(title, description, columns, width=24, height=8, sort=(), empty=None, hide=("job",)):
    """A table: rows of all queries, joined by their common labels.

    sort: names of columns, with - for descending; hide: labels or names of columns.
    """
    panel = _begin(table.Panel(), title, description, width, height, None, None).show_header(True)
    panel.min_width(50)  # Grafana's default of 150 makes narrow tables scroll sideways.
    asking = [column for column in columns if column.query]
    names, order, fields = {}, {}, {}
    for letter, column in zip(string.ascii_uppercase, asking, strict=False):
        panel.with_target(query(column.query, "", True, letter, True))
    for index, column in enumerate(columns):
        field = column.label or (
            "Value"
            if len(asking) == 1
            else f"Value #{string.ascii_uppercase[asking.index(column)]}"
        )
        names[field], order[field], fields[column.name] = column.name, index, field
        if properties := column.properties():
            panel.override_by_name(column.name, properties)
    panel.with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
    panel.with_transformation(
        model.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {fields.get(name, name): True for name in ("Time", *hide)},
                "renameByName": names,
                "indexByName": order,
            },
        )
    )
    panel.color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS)).thresholds(
        thresholds(((None, "text"),))
    )
    panel.sort_by(
        [
            common.TableSortByFieldState().display_name(name.lstrip("-")).desc(name.startswith("-"))
            for name in sort
        ]
    )
    if empty:
        panel.no_value(empty)
    return panel


def world(title, description, expression, unit, width=16, height=12):
    """A map with a circle for each country."""
    panel = _begin(geomap.Panel(), title, description, width, height, unit, None)
    panel.with_target(query(expression, "", True, "A", True)).thresholds(thresholds(NEUTRAL))
    panel.view(geomap.MapViewConfig().id("zero").lat(15.0).lon(10.0).zoom(1.6))
    panel.controls(geomap.ControlsOptions().show_zoom(True).show_attribution(True))
    panel.basemap(common.MapLayerOptions().type("default").name("Basemap"))
    style = {
        "size": {"field": "Value", "fixed": 8, "min": 6, "max": 30},
        "color": {"fixed": BLUE},
        "opacity": 0.6,
        "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
        "text": {"mode": "field", "field": "country", "fixed": ""},
        "textConfig": {
            "fontSize": 11,
            "offsetX": 0,
            "offsetY": 0,
            "textAlign": "center",
            "textBaseline": "middle",
        },
    }
    place = (
        common.FrameGeometrySource()
        .mode(shapes.FrameGeometrySourceMode.LOOKUP)
        .lookup("country")
        .gazetteer("public/gazetteer/countries.json")
    )
    panel.layers(
        [
            common.MapLayerOptions()
            .type("markers")
            .name("Bytes")
            .config({"style": style, "showLegend": False})
            .location(place)
            .tooltip(True)
        ]
    )
    return panel.tooltip(geomap.TooltipOptions().mode("details"))


def row(title):
    return build.Row(title)
