import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { dataOf, type LevelChartProps } from "./level-data.ts";

export interface PlotOptions {
  readonly height: number;
  readonly timeZone: string | undefined;
  readonly language: string;
  /** What is drawn over the levels is read anew at each drawing. */
  readonly read: () => LevelChartProps;
}

const LOWEST_TOP_DB = 85;
const HIGHEST_BOTTOM_DB = 45;

export function makeLevelPlot(element: HTMLElement, { height, timeZone, language, read }: PlotOptions): uPlot {
  const colour = colours(element);
  const clock = new Intl.DateTimeFormat(language, {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  const clockSeconds = new Intl.DateTimeFormat(language, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  const axis: uPlot.Axis = {
    stroke: colour("--text-quiet"),
    font: `11px ${getComputedStyle(element).fontFamily}`,
    grid: { stroke: colour("--line-soft"), width: 1 },
    ticks: { show: false },
  };
  return new uPlot(
    {
      width: element.clientWidth,
      height,
      padding: [10, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        x: { time: true, range: (_plot, low, high) => [windowStart(read(), low, high), high] },
        y: {
          range: (_plot, low, high) => [
            Math.min(HIGHEST_BOTTOM_DB, Math.floor((low ?? 50) / 5) * 5),
            Math.max(LOWEST_TOP_DB, Math.ceil((high ?? 80) / 5) * 5),
          ],
        },
      },
      axes: [
        {
          ...axis,
          space: 70,
          size: 24,
          values: (_plot, splits, _axis, _space, step) =>
            splits.map((at) => (step < 60 ? clockSeconds : clock).format(at * 1000)),
        },
        { ...axis, size: 36, space: 26 },
      ],
      series: [
        {},
        {
          stroke: colour("--chart"),
          width: 1.5,
          fill: colour("--chart-fill"),
          spanGaps: false,
          points: { show: false },
        },
      ],
      hooks: {
        drawAxes: [(plot) => drawLimits(plot, read(), colour)],
        draw: [(plot) => drawMarks(plot, read(), colour)],
      },
    },
    dataOf(read()),
    element,
  );
}

/** A live drawing keeps its width in time from the first second on, instead of stretching what little there is. */
function windowStart({ spanMs }: LevelChartProps, low: number, high: number): number {
  return spanMs === undefined ? low : high - spanMs / 1000;
}

/** Canvas knows no custom properties: they are resolved at the element. */
function colours(element: HTMLElement): (name: string) => string {
  const style = getComputedStyle(element);
  return (name) => style.getPropertyValue(name).trim();
}

function drawLimits(plot: uPlot, { limits }: LevelChartProps, colour: (name: string) => string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px ${getComputedStyle(plot.root.parentElement ?? plot.root).fontFamily}`;
  ctx.textAlign = "left";
  for (const { db, label, kind } of limits) {
    const y = Math.round(plot.valToPos(db, "y", true)) + 0.5;
    ctx.strokeStyle = ctx.fillStyle = colour(kind === "limit" ? "--chart-limit" : "--chart-clear");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash(
      kind === "limit" ? [6 * devicePixelRatio, 4 * devicePixelRatio] : [2 * devicePixelRatio, 4 * devicePixelRatio],
    );
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.fillText(
      label,
      bbox.left + 6 * devicePixelRatio,
      kind === "limit" ? y - 4 * devicePixelRatio : y + 12 * devicePixelRatio,
    );
  }
  ctx.restore();
}

function drawMarks(plot: uPlot, { marks = [] }: LevelChartProps, colour: (name: string) => string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px ${getComputedStyle(plot.root.parentElement ?? plot.root).fontFamily}`;
  ctx.strokeStyle = ctx.fillStyle = colour("--chart-mark");
  ctx.lineWidth = devicePixelRatio;
  for (const { atMs, label } of marks) {
    const x = Math.round(plot.valToPos(atMs / 1000, "x", true)) + 0.5;
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const isRight = x > bbox.left + bbox.width * 0.8;
    ctx.textAlign = isRight ? "right" : "left";
    ctx.fillText(label, x + (isRight ? -4 : 4) * devicePixelRatio, bbox.top + bbox.height - 6 * devicePixelRatio);
  }
  ctx.restore();
}
