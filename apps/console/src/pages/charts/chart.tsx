// One chart on a canvas, in the colours of the page, with what it shows in words for those who do not see it.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { theme } from '../../shell/theme.js';
import { useCell } from '../../state/cell.js';
import type { Series } from './series.js';

interface ChartProps {
  readonly title: string;
  readonly series: Series;
  readonly say: (value: number) => string;
  /** Values that stay until the next one are steps; single measurements are points. */
  readonly as: 'steps' | 'points';
}

const heightPx = 220;

export function Chart({ title, series, say, as }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const drawn = useRef<uPlot>(undefined);
  const now = useCell(theme);
  const [times, values] = series;
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const plot = new uPlot(optionsFor(element, as, say), series, element);
    drawn.current = plot;
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: heightPx }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [now]);
  useEffect(() => drawn.current?.setData(series), [series]);
  const most = values.reduce((one, other) => Math.max(one, other), 0);
  const last = values.at(-1);
  return (
    <section class="card stack">
      <div class="row chart-head">
        <h2>{title}</h2>
        <span class="figure">{last === undefined ? '–' : say(last)}</span>
      </div>
      <div
        {...{ ref: box, class: 'chart', role: 'img' }}
        aria-label={`${title}: ${times.length} values, ${say(most)} at most, now ${last === undefined ? 'none' : say(last)}`}
      />
    </section>
  );
}

function optionsFor(element: HTMLElement, as: ChartProps['as'], say: ChartProps['say']): uPlot.Options {
  const colour = (name: string) => colourOf(element, name);
  const axis = { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
  const steps = uPlot.paths.stepped?.({ align: 1 });
  const line = { stroke: colour('--accent'), width: 2, points: { show: as === 'points', size: 5 } };
  const drawing =
    as === 'steps' ? { ...(steps && { paths: steps }), fill: colour('--accent-soft') } : { paths: () => null };
  return {
    width: element.clientWidth,
    height: heightPx,
    legend: { show: false },
    cursor: { y: false },
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(0.01, high) * 1.1] } },
    axes: [axis, { ...axis, size: 64, values: (_plot, splits) => splits.map(say) }],
    series: [{}, { ...line, ...drawing }],
  };
}

/** As a canvas takes it: the one of the two colours that a custom property names which holds now. */
function colourOf(element: HTMLElement, name: string): string {
  const probe = element.appendChild(document.createElement('i'));
  probe.style.color = `var(${name})`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
