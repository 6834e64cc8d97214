import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { locale } from "../text/locale.ts";
import { shownTheme } from "../theme.ts";
import { dataOf, type LevelChartProps } from "./level-data.ts";

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
    void import("./level-plot.ts").then(({ makeLevelPlot }) => {
      if (isGone) return;
      plot.current = makeLevelPlot(element, { height, timeZone, language, read: () => latest.current });
      resize.observe(element);
    });
    return () => {
      isGone = true;
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
