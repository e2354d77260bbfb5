// SPDX-License-Identifier: Apache-2.0
// Draws the dashboards of window.DATA (Dashboard.data in asks.py) with Grafana's own components.
// Units, overrides and transformations are from @grafana/data; stat, bar gauge, table and time
// series are from @grafana/ui. Grafana publishes no package with state timeline and geomap, so both
// are drawn here.
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { geoCentroid, geoMercator, geoPath } from 'd3-geo';
import { feature } from 'topojson-client';
import atlas from 'world-atlas/countries-110m.json';
import '@fontsource-variable/inter/wght.css';
import {
  applyFieldOverrides, cacheFieldDisplayNames, createTheme, dateTime, FieldConfigOptionsRegistry,
  FieldType, getDisplayValueAlignmentFactors, getFieldDisplayName, getFieldDisplayValues,
  standardTransformers, standardTransformersRegistry, ThemeContext, toDataFrame, transformDataFrame,
} from '@grafana/data';
import {
  AxisPlacement, BarGauge, BigValue, GlobalStyles, PanelChrome, ScaleDirection, ScaleOrientation,
  TimeSeries, UPlotChart, UPlotConfigBuilder, VizLayout, VizLegend, VizRepeater,
} from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';

const COLUMN = 65, ROW = 38, GAP = 8, HEAD = 84; // pixels; page.py has the same
const timeZone = 'utc';
const theme = createTheme({
  colors: { mode: 'dark' }, typography: { fontFamily: "'Inter Variable', sans-serif" },
});
const dim = { color: theme.colors.text.secondary };
const named = (color) => theme.visualization.getColorByName(color);
const at = (left, top, style) => ({ position: 'absolute', left, top, ...style });
// A picture has no links.
const replaceVariables = (text) => text;

// Grafana's application fills both registries: with its transformations, and with the options of
// each panel. Here the latter are all options that the dashboards set.
standardTransformersRegistry.setInit(() =>
  ['mergeTransformer', 'organizeFieldsTransformer'].map((name) => {
    const transformation = standardTransformers[name];
    return { id: transformation.id, name, transformation: async () => transformation };
  })
);
const options = window.DATA.flatMap(({ model }) => model.panels)
  .filter(({ fieldConfig }) => fieldConfig)
  .flatMap(({ fieldConfig: { defaults: { custom = {}, ...defaults }, overrides } }) => [
    ...Object.keys(defaults),
    ...Object.keys(custom).map((name) => `custom.${name}`),
    ...overrides.flatMap(({ properties }) => properties.map(({ id }) => id)),
  ]);
const fieldConfigRegistry = new FieldConfigOptionsRegistry(() =>
  [...new Set([...options, 'thresholds', 'color'])].map((id) => ({
    id, name: id, path: id.replace('custom.', ''), isCustom: id.startsWith('custom.'),
    process: (value) => value, shouldApply: () => true,
  }))
);
const thresholds = {
  mode: 'absolute', steps: [{ value: null, color: 'green' }, { value: 80, color: 'red' }],
};

/** Prometheus' answers as the data source's frames: one a query in a table, else one a series. */
function framesOf(panel, answers, end) {
  return answers.flatMap((series, index) => {
    const { refId, legendFormat, format } = panel.targets[index];
    const value = answers.length > 1 ? `Value #${refId}` : 'Value';
    if (format === 'table' && panel.type === 'table') {
      const labels = new Set(series.flatMap(([labels]) => Object.keys(labels)));
      labels.delete('__name__');
      return toDataFrame({ refId, fields: [
        { name: 'Time', type: FieldType.time, values: series.map(() => end * 1000) },
        ...[...labels].map((name) => ({
          name, type: FieldType.string, values: series.map(([labels]) => labels[name]),
        })),
        { name: value, type: FieldType.number, values: series.map(([, value]) => value) },
      ] });
    }
    return series.map(([labels, found]) => {
      const points = Array.isArray(found) ? found : [[end, found]];
      const displayNameFromDS = legendFormat === '__auto' ? undefined
        : legendFormat.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? '');
      return toDataFrame({ refId, fields: [
        { name: 'Time', type: FieldType.time, values: points.map(([at]) => Math.round(at * 1000)) },
        { name: 'Value', type: FieldType.number, labels, config: { displayNameFromDS },
          values: points.map(([, value]) => value) },
      ] });
    });
  });
}

/** Stat and bar gauge: one component for each value. */
function Values({ panel, frames, width, height }) {
  const { type, options, fieldConfig } = panel;
  const stat = type === 'stat';
  const getValues = () => getFieldDisplayValues({
    data: frames, fieldConfig, reduceOptions: options.reduceOptions, replaceVariables, theme,
    timeZone, sparkline: options.graphMode === 'area',
  });
  const renderValue = ({ value, ...size }) => stat
    ? <BigValue {...options} {...size} theme={theme} value={value.display}
        sparkline={value.sparkline} count={getValues().length} />
    : <BarGauge {...options} {...size} theme={theme} value={value.display} field={value.field}
        display={value.view?.getFieldDisplayProcessor(value.colIndex)}
        valueDisplayMode={options.valueMode} />;
  return <VizRepeater source={frames} renderCounter={0} width={width} height={height}
    getValues={getValues} getAlignmentFactors={getDisplayValueAlignmentFactors}
    renderValue={renderValue} orientation={options.orientation} autoGrid={stat}
    itemSpacing={stat ? 3 : 10} minVizHeight={options.minVizHeight}
    maxVizHeight={options.maxVizHeight} />;
}

function Lines({ panel, dashboard, frames, width, height }) {
  const { begin, end, alerts } = dashboard;
  const first = panel.timeFrom
    ? Math.min(...frames.map((frame) => frame.fields[0].values[0])) : begin * 1000;
  const timeRange = { from: dateTime(first), to: dateTime(end * 1000), raw: {} };
  // Like Grafana's annotations with a time span.
  const mark = (builder) => void builder.addHook('draw', ({ ctx, bbox, valToPos }) => {
    const within = (x) => Math.min(Math.max(x, bbox.left), bbox.left + bbox.width);
    ctx.fillStyle = named('red');
    for (const span of alerts) {
      const [left, right] = span.map((at) => within(valToPos(at * 1000, 'x', true)));
      ctx.fillRect(left, bbox.top + bbox.height, Math.max(2, right - left), 4);
    }
  });
  return <TimeSeries frames={frames} structureRev={1} width={width} height={height}
    timeRange={timeRange} timeZone={timeZone} legend={panel.options.legend}
    options={panel.options}>{mark}</TimeSeries>;
}

/** State timeline: Grafana's axes, legend and colours. */
function States({ dashboard, frames, width, height }) {
  const rows = frames.map((frame) => {
    const [{ values: times }, field] = frame.fields;
    return { ...field, times, name: getFieldDisplayName(field, frame, frames) };
  }).sort((a, b) => (a.name < b.name ? 1 : -1));
  const range = [dashboard.begin * 1000, dashboard.end * 1000];
  const builder = new UPlotConfigBuilder(timeZone);
  const x = { scaleKey: 'x', theme, timeZone, isTime: true };
  const y = { scaleKey: 'y', theme };
  builder.addScale({ ...x, orientation: ScaleOrientation.Horizontal, range: () => range,
    direction: ScaleDirection.Right });
  builder.addScale({ ...y, orientation: ScaleOrientation.Vertical, range: () => [0, rows.length],
    direction: ScaleDirection.Up });
  builder.addAxis({ ...x, placement: AxisPlacement.Bottom });
  builder.addAxis({ ...y, placement: AxisPlacement.Left, grid: { show: false },
    splits: rows.map((_, index) => index + 0.5), values: () => rows.map(({ name }) => name) });
  builder.addHook('draw', ({ ctx, bbox, valToPos }) => rows.forEach((row, index) => {
    const { times, values, display } = row;
    const [top, bottom] = [0.9, 0.1].map((part) => valToPos(index + part, 'y', true));
    const step = Math.min(...times.slice(1).map((at, before) => at - times[before]));
    for (let first = 0, last; first < times.length; first = last + 1) {
      const goesOn = (next) =>
        values[next] === values[first] && times[next] - times[next - 1] <= 2 * step;
      for (last = first; goesOn(last + 1); last++);
      const [left, right] = [times[first], times[last] + step].map((at) =>
        Math.min(Math.max(valToPos(at, 'x', true), bbox.left), bbox.left + bbox.width));
      const { text, color } = display(values[first]);
      ctx.fillStyle = color;
      ctx.fillRect(left, top, right - left, bottom - top);
      if (ctx.measureText(text).width + 8 < right - left && bottom - top > 15) {
        ctx.fillStyle = theme.colors.getContrastText(color);
        ctx.textAlign = 'center';
        ctx.fillText(text, (left + right) / 2, (top + bottom) / 2);
      }
    }
  }));
  const shown = rows.flatMap(({ values, display }) => values.map((value) => display(value)));
  const states = new Map(shown.map(({ text, color }) => [text, { label: text, color, yAxis: 1 }]));
  const legend = <VizLayout.Legend placement="bottom">
    <VizLegend placement="bottom" displayMode="list" items={[...states.values()]} />
  </VizLayout.Legend>;
  return <VizLayout width={width} height={height} legend={legend}>
    {(width, height) =>
      <UPlotChart config={builder} data={[range]} width={width} height={height} />}
  </VizLayout>;
}

/** Geomap: a circle for each country. */
function Countries({ frames, width, height }) {
  const countries = feature(atlas, atlas.objects.countries);
  const corners = { type: 'MultiPoint', coordinates: [[-180, -56], [180, 75]] };
  const projection = geoMercator().fitSize([width, height], corners);
  // The atlas has numeric country codes; the canonical form of a locale converts them to letters.
  const places = Object.fromEntries(countries.features.filter(({ id }) => id).map((country) =>
    [new Intl.Locale(`und-${country.id}`).region, projection(geoCentroid(country))]));
  const values = frames.map(({ fields }) => [fields[1].labels.country, fields[1].values[0]]);
  const greatest = Math.max(...values.map(([, value]) => value));
  return <svg width={width} height={height}>
    <path d={geoPath(projection)(countries)} fill={theme.colors.background.secondary}
      stroke={theme.colors.border.medium} />
    {values.filter(([country]) => places[country]).map(([country, value]) =>
      <g key={country} transform={`translate(${places[country]})`}>
        <circle r={6 + 24 * value / greatest} fill={named('blue')} opacity="0.6" />
        <text fill={theme.colors.text.primary} fontSize="11" textAnchor="middle"
          dominantBaseline="central">{country}</text>
      </g>)}
  </svg>;
}

function Table({ panel, frames, width, height }) {
  const { sortBy, cellHeight } = panel.options;
  return <TableNG data={frames[0]} width={width} height={height} sortBy={sortBy}
    cellHeight={cellHeight} fieldConfig={panel.fieldConfig} enableVirtualization={false} />;
}

const KINDS = {
  stat: Values, bargauge: Values, table: Table, timeseries: Lines, 'state-timeline': States,
  geomap: Countries,
};

function Panel({ panel, dashboard, answers }) {
  const [frames, setFrames] = useState();
  const { defaults, overrides } = panel.fieldConfig;
  // Grafana's defaults for options that a panel omits.
  const color = { mode: 'thresholds' };
  const fieldConfig = { overrides, defaults: { thresholds, color, ...defaults } };
  useEffect(() => {
    const made = framesOf(panel, answers, dashboard.end);
    transformDataFrame(panel.transformations ?? [], made).subscribe((data) => {
      const done = applyFieldOverrides({
        data, fieldConfig, fieldConfigRegistry, replaceVariables, theme, timeZone,
      });
      cacheFieldDisplayNames(done);
      setFrames(done);
    });
  }, []);
  const { x, y, w, h } = panel.gridPos;
  const Kind = KINDS[panel.type];
  return <div style={at(x * COLUMN + GAP / 2, HEAD + y * ROW)}>
    <PanelChrome width={w * COLUMN - GAP} height={h * ROW - GAP} title={panel.title}
      description={panel.description} padding={panel.type === 'stat' ? 'none' : 'md'}
      titleItems={panel.timeFrom && <small style={dim}>Last {panel.timeFrom}</small>}>
      {(width, height) => frames && (frames.some(({ length }) => length)
        ? <Kind {...{ dashboard, frames, width, height }} panel={{ ...panel, fieldConfig }} />
        : <div style={{ ...dim, height, display: 'grid', placeItems: 'center' }}>
            {defaults.noValue ?? 'No data'}
          </div>)}
    </PanelChrome>
  </div>;
}

function Page({ dashboard }) {
  const { model, begin, end, values } = dashboard;
  const [rows, panels] = [true, false].map((row) =>
    model.panels.filter(({ type }) => (type === 'row') === row));
  const height = HEAD + ROW * Math.max(...model.panels.map(({ gridPos: { y, h } }) => y + h));
  const time = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
  const chosen = ({ name, type }) => type === 'datasource' ? 'Prometheus'
    : typeof values[name] === 'string' ? values[name] : 'All';
  return <main id={model.uid} style={{ position: 'relative', height }}>
    <h4 style={at(12, 12)}>wgsocks › {model.title}</h4>
    <div style={at(null, 12, { right: 12, ...dim })}>{time(begin)} to {time(end)} UTC</div>
    <div style={at(12, 48, { display: 'flex', gap: 20 })}>
      {model.templating.list.filter(({ hide }) => hide !== 2).map((variable) =>
        <div key={variable.name}>
          <span style={dim}>{variable.label}</span> {chosen(variable)} ▾
        </div>)}
    </div>
    {rows.map(({ title, gridPos: { y } }) =>
      <h5 key={title} style={at(8, HEAD + 8 + y * ROW)}>⌄ {title}</h5>)}
    {panels.map((panel, index) => <Panel key={panel.title} panel={panel} dashboard={dashboard}
      answers={dashboard.answers[index]} />)}
  </main>;
}

// A chart measures its text when it is drawn, so the font must be loaded.
document.fonts.load('12px "Inter Variable"').then(() =>
  createRoot(document.getElementById('root')).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      {window.DATA.map((dashboard) => <Page key={dashboard.model.uid} dashboard={dashboard} />)}
    </ThemeContext.Provider>
  )
);
