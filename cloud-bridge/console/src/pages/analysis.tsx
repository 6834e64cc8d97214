import { useEffect, useMemo, useState } from "preact/hooks";
import "../styles/analysis.css";
import type { Asked } from "../parts/analysis-answer.ts";
import { Highs } from "../parts/analysis-highs.tsx";
import { Moves } from "../parts/analysis-moves.tsx";
import { Outcomes } from "../parts/analysis-outcomes.tsx";
import { Response } from "../parts/analysis-response.tsx";
import { Warnings } from "../parts/analysis-warnings.tsx";
import { foundByName } from "../parts/analysis-words.ts";
import { SelectField, TimeField } from "../parts/fields.tsx";
import { Segments } from "../parts/figures.tsx";
import { localDate, localMs } from "../parts/local-time.ts";
import { loadSites } from "../state/desk.ts";
import { loadRegisters, units } from "../state/registers.ts";
import { t } from "../text/locale.ts";
import { analysisText as a } from "../text/packs/analysis.ts";

const DAY_MS = 86_400_000;
const PERIODS = ["day", "week", "month", "own"] as const;
type Period = (typeof PERIODS)[number];
const LENGTH_MS: Readonly<Record<Exclude<Period, "own">, number>> = {
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 28 * DAY_MS,
};
const FAMILIES = ["noise", "vision", "emergency", "report", "fault"] as const;
const FOUND_BY = ["meter", "camera-rule", "video-round", "patrol", "citizen", "officer", "watch"] as const;

/** How fast, with what outcome, where, when and what for, what is unusual, and where to listen next. */
export function AnalysisPage() {
  const [period, setPeriod] = useState<Period>("week");
  const [from, setFrom] = useState(() => localDate(Date.now() - 7 * DAY_MS));
  const [to, setTo] = useState(() => localDate(Date.now()));
  const [unitId, setUnitId] = useState("");
  const [family, setFamily] = useState("");
  const [foundBy, setFoundBy] = useState("");
  // One moment for all figures of a page, so that they are of the same cases.
  const [untilMs] = useState(() => Date.now());
  useEffect(() => {
    loadRegisters().catch(() => {});
    loadSites().catch(() => {});
  }, []);
  const asked = useMemo<Asked | undefined>(() => {
    const span =
      period === "own"
        ? { fromMs: localMs(`${from}T00:00`), toMs: localMs(`${to}T00:00`) + DAY_MS }
        : { fromMs: untilMs - LENGTH_MS[period], toMs: untilMs };
    const isWhole = Number.isFinite(span.fromMs) && Number.isFinite(span.toMs);
    return isWhole ? { ...span, unitId, family, foundBy } : undefined;
  }, [period, from, to, unitId, family, foundBy, untilMs]);
  return (
    <div class="page analysis">
      <header class="page-head">
        <h1>{a("title")}</h1>
        <Segments
          label={a("period")}
          options={PERIODS.map((one) => ({ value: one, text: a(`period.${one}`) }))}
          value={period}
          onChange={setPeriod}
        />
      </header>
      <div class="filters">
        {period === "own" && (
          <>
            <TimeField label={a("from")} type="date" value={from} onInput={setFrom} />
            <TimeField label={a("to")} type="date" value={to} onInput={setTo} />
          </>
        )}
        <SelectField
          label={a("unit")}
          value={unitId}
          options={units.value.map(({ id, name }) => ({ value: id, text: name }))}
          onChange={setUnitId}
          none={a("unit.all")}
        />
        <SelectField
          label={a("family")}
          value={family}
          options={FAMILIES.map((one) => ({ value: one, text: t(`family.${one}`) }))}
          onChange={setFamily}
          none={a("family.all")}
        />
        <SelectField
          label={a("found-by")}
          value={foundBy}
          options={FOUND_BY.map((one) => ({ value: one, text: foundByName(one) }))}
          onChange={setFoundBy}
          none={a("found-by.all")}
        />
      </div>
      {asked && (
        <>
          <Warnings asked={asked} />
          <Response asked={asked} />
          <Outcomes asked={asked} />
          <Highs asked={asked} />
          <Moves asked={asked} />
        </>
      )}
    </div>
  );
}
