import { useState } from "preact/hooks";
import type { ResponseView } from "../../../api/schema/analysis.ts";
import { siteName } from "../state/desk.ts";
import { formatDayTime } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { analysisText as a } from "../text/packs/analysis.ts";
import { type Asked, queryOf, useAnswer } from "./analysis-answer.ts";
import { type GroupBy, groupName, percent, timeOrNone, whole } from "./analysis-words.ts";
import { Figures, Segments } from "./figures.tsx";
import { ProblemNote } from "./problem.tsx";

const GROUPS: readonly GroupBy[] = ["unit", "category", "foundBy", "site"];
type AllFigures = ResponseView["figures"];
type Share = AllFigures["responded"];
type Spread = AllFigures["openedToClosed"];

export function Response({ asked }: { readonly asked: Asked }) {
  const [groupBy, setGroupBy] = useState<GroupBy>("unit");
  const { value, error } = useAnswer<ResponseView>(`/analysis/response?${queryOf(asked, { groupBy })}`);
  return (
    <section class="panel" aria-label={a("response.title")} data-analysis="response">
      <h3>
        {a("response.title")}
        {value && <span class="quiet">{a("beside-before", spanBefore(value.period))}</span>}
      </h3>
      <ProblemNote error={error} />
      {value && <Cards now={value.figures} before={value.before} />}
      {value && <Times now={value.figures} before={value.before} />}
      <h3 class="facts-more">
        {a("groups.by")}
        <Segments
          label={a("groups.by")}
          options={GROUPS.map((by) => ({ value: by, text: a(`groups.${by}`) }))}
          value={groupBy}
          onChange={setGroupBy}
        />
      </h3>
      {value?.groups !== undefined && (
        <Figures
          label={a("groups.by")}
          rows={value.groups}
          keyOf={({ key }) => key}
          columns={[
            { name: a(`groups.${groupBy}`), show: ({ key }) => groupName(groupBy, key) },
            { name: a("cases"), show: ({ figures }) => whole(figures.cases) },
            { name: a("open-now"), show: ({ figures }) => whole(figures.openNow) },
            { name: a("responded"), show: ({ figures }) => percent(figures.responded.share) },
            { name: a("ended-in-time"), show: ({ figures }) => percent(figures.endedInTime.share) },
            { name: a("solved"), show: ({ figures }) => percent(figures.solved.share) },
            { name: a("satisfied"), show: ({ figures }) => percent(figures.satisfied.share) },
            { name: a("scene-p50"), show: ({ figures }) => timeOrNone(figures.openedToOnScene.p50Ms) },
          ]}
        />
      )}
      {groupBy === "unit" && value?.groups?.some(({ key }) => key === "") && (
        <p class="quiet" data-no-unit>
          {a("no-unit.hint")} {(value.sitesWithoutUnit ?? []).map((id) => siteName(id) ?? id).join(" · ")}
        </p>
      )}
    </section>
  );
}

function spanBefore({ fromMs, toMs }: ResponseView["period"]): { from: string; to: string } {
  const day = (atMs: number): string => formatDayTime(locale.value, atMs, undefined);
  return { from: day(fromMs - (toMs - fromMs)), to: day(fromMs) };
}

function Cards({ now, before }: { readonly now: AllFigures; readonly before: AllFigures }) {
  return (
    <dl class="cards">
      <Count name={a("cases")} n={now.cases} before={before.cases} note={`${a("open-now")} ${whole(now.openNow)}`} />
      <ShareCard name={a("responded")} hint={a("responded.hint")} now={now.responded} before={before.responded} />
      <ShareCard name={a("ended-in-time")} now={now.endedInTime} before={before.endedInTime} />
      <ShareCard name={a("verified")} hint={a("verified.hint")} now={now.verified} before={before.verified} />
      <ShareCard name={a("solved")} hint={a("solved.hint")} now={now.solved} before={before.solved} />
      <ShareCard name={a("satisfied")} hint={a("satisfied.hint")} now={now.satisfied} before={before.satisfied} />
      <Count name={a("reopened")} n={now.reopened} before={before.reopened} />
      <Count name={a("supervised")} n={now.supervised} before={before.supervised} />
    </dl>
  );
}

interface CountProps {
  readonly name: string;
  readonly n: number;
  readonly before: number;
  readonly note?: string;
}

function Count({ name, n, before, note }: CountProps) {
  return (
    <div class="figure-card">
      <dt>{name}</dt>
      <dd>
        <b>{whole(n)}</b>
        <small>
          {a("before")} {whole(before)}
        </small>
        {note !== undefined && <small>{note}</small>}
      </dd>
    </div>
  );
}

interface ShareCardProps {
  readonly name: string;
  readonly hint?: string;
  readonly now: Share;
  readonly before: Share;
}

/** The rate, and what it was counted from: 100 % of one case is no praise. */
function ShareCard({ name, hint, now, before }: ShareCardProps) {
  return (
    <div class="figure-card" {...(hint === undefined ? {} : { title: hint })}>
      <dt>{name}</dt>
      <dd>
        <b>{percent(now.share)}</b>
        <small>
          {a("before")} {percent(before.share)}
        </small>
        <small>{now.of === 0 ? a("unknown") : a("of-cases", { n: whole(now.n), of: whole(now.of) })}</small>
      </dd>
    </div>
  );
}

function Times({ now, before }: { readonly now: AllFigures; readonly before: AllFigures }) {
  const rows: readonly { readonly name: string; readonly now: Spread; readonly before: Spread }[] = [
    { name: a("times.opened-assigned"), now: now.openedToAssigned, before: before.openedToAssigned },
    { name: a("times.assigned-taken"), now: now.assignedToTakenUp, before: before.assignedToTakenUp },
    { name: a("times.opened-scene"), now: now.openedToOnScene, before: before.openedToOnScene },
    { name: a("times.opened-closed"), now: now.openedToClosed, before: before.openedToClosed },
  ];
  return (
    <Figures
      label={a("times.title")}
      rows={rows}
      keyOf={({ name }) => name}
      columns={[
        { name: a("times.what"), show: (row) => row.name },
        { name: a("times.n"), show: (row) => whole(row.now.n) },
        { name: a("times.p50"), show: (row) => timeOrNone(row.now.p50Ms) },
        { name: a("times.p90"), show: (row) => timeOrNone(row.now.p90Ms) },
        { name: a("times.longest"), show: (row) => timeOrNone(row.now.longestMs) },
        { name: a("times.p50-before"), show: (row) => timeOrNone(row.before.p50Ms) },
      ]}
    />
  );
}
