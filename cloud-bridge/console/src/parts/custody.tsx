import { useEffect, useState } from "preact/hooks";
import type { NodeAccounting, RunAccounting, RunRange } from "../../../api/schema/fleet.ts";
import { loadAccounting, loadRunRanges } from "../state/fleet.ts";
import { formatDayTime, formatNumber, formatRunning, formatTime } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { nodeText as w } from "../text/packs/node.ts";
import { isTextKey } from "../text/translate.ts";
import { AccountingLine } from "./presence.tsx";
import { ProblemNote } from "./problem.tsx";

const REFRESH_MS = 10_000;
const n = (value: number): string => formatNumber(locale.value, value);

interface CustodyProps {
  readonly node: string;
  readonly timeZone: string | undefined;
}

/** What became of every record of a node: the sum, the runs that are not fully accounted, and all others as one line. */
export function Custody({ node, timeZone }: CustodyProps) {
  const [accounting, setAccounting] = useState<NodeAccounting>();
  const [error, setError] = useState<unknown>();
  const [which, setWhich] = useState<"open" | "all">("open");
  const [older, setOlder] = useState<Pick<NodeAccounting, "runs" | "next">>();
  useEffect(() => {
    setOlder(undefined);
    const load = (): void => {
      loadAccounting(node, which).then((found) => {
        setAccounting(found);
        setError(undefined);
      }, setError);
    };
    load();
    const timer = setInterval(load, REFRESH_MS);
    return () => clearInterval(timer);
  }, [node, which]);
  if (accounting === undefined) return <ProblemNote error={error} />;
  const { total, settled } = accounting;
  const next = older === undefined ? accounting.next : older.next;
  const more = (): void => {
    loadAccounting(node, which, next).then(
      (page) => setOlder({ ...page, runs: [...(older?.runs ?? []), ...page.runs] }),
      setError,
    );
  };
  return (
    <div class="custody">
      <ProblemNote error={error} />
      <AccountingLine total={total} />
      <Shed total={total} />
      <Legend />
      <ul class="runs">
        {[...accounting.runs, ...(older?.runs ?? [])].map((run) => (
          <Run key={run.run} node={node} run={run} timeZone={timeZone} />
        ))}
      </ul>
      {next !== undefined && (
        <button type="button" class="button" onClick={more}>
          {w("custody.more")}
        </button>
      )}
      {settled.runs > 0 && (
        <p class="runs-settled">
          <Strip strip="s" label={w("custody.settled", { n: n(settled.runs) })} />
          <span>
            {w("custody.settled", { n: n(settled.runs) })} · {w("custody.state.stored")} {n(settled.stored)}
            {settled.declared > 0 && ` · ${w("custody.state.declared")} ${n(settled.declared)}`}
          </span>
          <button type="button" class="button" onClick={() => setWhich(which === "open" ? "all" : "open")}>
            {w(which === "open" ? "custody.show-all" : "custody.show-open")}
          </button>
        </p>
      )}
    </div>
  );
}

function Shed({ total }: { readonly total: NodeAccounting["total"] }) {
  const reasons = (["quota", "expired", "corrupt", "undecodable"] as const).filter((reason) => total.shed[reason] > 0);
  if (reasons.length === 0) return null;
  return (
    <p class="hint">
      {reasons.map((reason) => `${w(`custody.state.${reason}`)} ${n(total.shed[reason])}`).join(" · ")}
    </p>
  );
}

const LETTERS = { s: "stored", o: "outstanding", d: "declared", u: "unexplained" } as const;

function Legend() {
  return (
    <ul class="strip-legend">
      {(Object.keys(LETTERS) as (keyof typeof LETTERS)[]).map((letter) => (
        <li key={letter}>
          <i class={`cell is-${LETTERS[letter]}`} /> {w(`custody.state.${LETTERS[letter]}`)}
        </li>
      ))}
    </ul>
  );
}

/** A run from its first record to its last; colour and shape say the same, and the words say it to who sees neither. */
function Strip({ strip, label }: { readonly strip: string; readonly label: string }) {
  const cells = [...strip].map((letter) => LETTERS[letter as keyof typeof LETTERS]);
  return (
    <span class="custody-strip" role="img" aria-label={label}>
      {cells.map((state, i) => (
        <i key={i} class={`cell is-${state}`} />
      ))}
    </span>
  );
}

function Run({ node, run, timeZone }: CustodyProps & { readonly run: RunAccounting }) {
  const [isOpen, setOpen] = useState(false);
  const { counts, clock } = run;
  const words = t("accounting.line", {
    stored: n(counts.stored),
    expected: n(counts.expected),
    outstanding: n(counts.outstanding),
    unexplained: n(counts.unexplained),
  });
  return (
    <li class={counts.unexplained > 0 ? "is-bad" : ""}>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <span class="run-head">
            <abbr title={run.run}>{run.run.slice(0, 8)}</abbr>
            <span class="quiet">
              {run.lastReceivedMs > 0 && formatDayTime(locale.value, run.lastReceivedMs, timeZone)}
              {" · "}
              {clockWords(clock)}
            </span>
          </span>
          <Strip strip={run.strip} label={words} />
          <span class="run-words">
            {words}
            {counts.declared > 0 && ` · ${t("accounting.declared", { n: n(counts.declared) })}`}
          </span>
        </summary>
        {isOpen && <RangesOf node={node} run={run} timeZone={timeZone} />}
      </details>
    </li>
  );
}

function clockWords({ quality, jumps }: RunAccounting["clock"]): string {
  const key = `time-quality.${quality}`;
  const how =
    quality === "none" ? w("custody.clock.none") : w("custody.clock", { quality: isTextKey(key) ? t(key) : "" });
  return jumps > 0 ? `${how}, ${w("custody.clock.jumps", { n: n(jumps) })}` : how;
}

function RangesOf({ node, run, timeZone }: CustodyProps & { readonly run: RunAccounting }) {
  const [found, setFound] = useState<{ readonly items: readonly RunRange[]; readonly next?: string }>();
  const [error, setError] = useState<unknown>();
  const load = (cursor?: string): void => {
    loadRunRanges(node, run.run, cursor).then(
      (page) => setFound({ ...page, items: [...(cursor === undefined ? [] : (found?.items ?? [])), ...page.items] }),
      setError,
    );
  };
  useEffect(() => load(), [node, run.run]);
  const next = found?.next;
  return (
    <div class="table-scroll">
      <ProblemNote error={error} />
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{w("custody.state")}</th>
            <th scope="col">{w("custody.records")}</th>
            <th scope="col">{w("custody.from")}</th>
            <th scope="col">{w("custody.to")}</th>
          </tr>
        </thead>
        <tbody>
          {found?.items.map((range) => (
            <tr key={range.from}>
              <td>
                <i class={`cell is-${lookOf(range.state)}`} /> {w(`custody.state.${range.state}`)}
              </td>
              <td>
                {range.from === range.to ? n(range.from) : `${n(range.from)}–${n(range.to)}`}{" "}
                <span class="quiet">({n(range.to - range.from + 1)})</span>
              </td>
              <td>{timeWords(range.fromTime, timeZone)}</td>
              <td>{timeWords(range.toTime, timeZone)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {next !== undefined && (
        <button type="button" class="button" onClick={() => load(next)}>
          {w("custody.more")}
        </button>
      )}
    </div>
  );
}

function lookOf(state: RunRange["state"]): string {
  return state === "stored" || state === "outstanding" || state === "unexplained" ? state : "declared";
}

function timeWords(time: RunRange["fromTime"], timeZone: string | undefined): string {
  if (time === undefined) return "–";
  if (time.utcMs === undefined) return w("custody.up", { time: formatRunning(time.upMs) });
  const day = new Intl.DateTimeFormat(locale.value, {
    month: "short",
    day: "numeric",
    ...(timeZone === undefined ? {} : { timeZone }),
  }).format(time.utcMs);
  return `${day} ${formatTime(locale.value, time.utcMs, timeZone)}`;
}
