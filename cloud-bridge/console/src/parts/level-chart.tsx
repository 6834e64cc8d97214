import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { locale } from "../text/locale.ts";
import { shownTheme } from "../theme.ts";
import { dataOf, type LevelChartProps } from "./level-data.ts";

const RETRY_MS = 3000;

/** 1-s levels over time. The drawing library comes with the first chart, not with the first screen. */
export function LevelChart(props: LevelChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const { timeZone, height = 180 } = props;
  const theme = shownTheme.value;
  const language = locale.value;
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    let isGone = false;
    const resize = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    let retry: ReturnType<typeof setTimeout> | undefined;
    const draw = async (): Promise<void> => {
      try {
        const { makeLevelPlot } = await import("./level-plot.ts");
        if (isGone) return;
        plot.current = makeLevelPlot(element, { height, timeZone, language, read: () => latest.current });
        resize.observe(element);
      } catch {
        // The bridge was away just now: levels can wait, and the page must not.
        if (!isGone) retry = setTimeout(() => void draw(), RETRY_MS);
      }
    };
    void draw();
    return () => {
      isGone = true;
      clearTimeout(retry);
      resize.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [timeZone, height, theme, language]);

  useEffect(() => {
    plot.current?.setData(dataOf(props));
  });

  return <div class="chart" ref={place} role="img" aria-label={props.label} data-points={props.atMs.length} />;
}
