import type { RunAccounting } from "../../../api/schema/fleet.ts";
import { formatDayTime, formatNumber } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";

type Ranges = RunAccounting["stored"];

const countOf = (ranges: Ranges): number => ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);

export interface RunsTableProps {
  readonly runs: readonly RunAccounting[];
  readonly timeZone: string | undefined;
}

/** Each start of the gateway, and what became of every record of it. */
export function RunsTable({ runs, timeZone }: RunsTableProps) {
  const n = (value: number): string => formatNumber(locale.value, value);
  return (
    <div class="table-scroll">
      <table class="table is-numbers">
        <thead>
          <tr>
            <th scope="col">{t("runs.run")}</th>
            <th scope="col">{t("runs.last")}</th>
            <th scope="col">{t("runs.head")}</th>
            <th scope="col">{t("runs.stored")}</th>
            <th scope="col">{t("runs.declared")}</th>
            <th scope="col">{t("runs.outstanding")}</th>
            <th scope="col">{t("runs.unexplained")}</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => {
            const unexplained = countOf(run.unexplained);
            return (
              <tr key={run.run}>
                <th scope="row">
                  <abbr title={run.run}>{run.run.slice(0, 8)}</abbr>
                </th>
                <td>{run.lastReceivedMs > 0 ? formatDayTime(locale.value, run.lastReceivedMs, timeZone) : "–"}</td>
                <td>{n(run.head)}</td>
                <td title={rangesText(run.stored)}>{n(countOf(run.stored))}</td>
                <td title={rangesText(run.declared)}>{n(countOf(run.declared))}</td>
                <td title={rangesText(run.outstanding)}>{n(countOf(run.outstanding))}</td>
                <td class={unexplained > 0 ? "is-bad" : ""} title={rangesText(run.unexplained)}>
                  {n(unexplained)}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

const rangesText = (ranges: Ranges): string =>
  ranges
    .slice(0, 20)
    .map(([from, to]) => (from === to ? String(from) : `${from}–${to}`))
    .join(", ");
