import { useState } from "preact/hooks";
import type { CommandView } from "../../../api/schema/commands.ts";
import { call, newIdempotencyKey } from "../api/client.ts";
import { formatDayTime, formatNumber } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { nodeText as n } from "../text/packs/node.ts";
import { type LogLine, logOf } from "./bundle-log.ts";
import { fileOf } from "./node-commands.tsx";
import { ProblemNote } from "./problem.tsx";

interface Props {
  readonly node: string;
  readonly timeZone: string | undefined;
  readonly orders: readonly CommandView[];
}

/** The newest lines of a box's log: asked for by an order, read out of the bundle that it brings. */
export function NodeLogs({ node, timeZone, orders }: Props) {
  const [lines, setLines] = useState<readonly LogLine[]>();
  const [told, setTold] = useState<string>();
  const [only, setOnly] = useState("");
  const [error, setError] = useState<unknown>();
  const asked = orders.find(({ kind }) => kind === "diagnostics");
  const brought = orders.find((order) => order.kind === "diagnostics" && order.state === "done");
  const file = brought === undefined ? undefined : fileOf(brought);
  const isOpen = asked?.state === "waiting" || asked?.state === "sent";
  const ask = (): void => {
    const path = `/nodes/${encodeURIComponent(node)}/commands`;
    call("POST", path, { body: { kind: "diagnostics", args: {} }, idempotencyKey: newIdempotencyKey() }).then(
      () => setError(undefined),
      setError,
    );
  };
  const show = async (from: string): Promise<void> => {
    const answer = await fetch(from);
    if (!answer.ok) return setTold(n("logs.comes"));
    setLines(await logOf(await answer.blob()));
    setTold(undefined);
  };
  const shown = lines?.filter(({ text, level }) => `${level} ${text}`.includes(only)) ?? [];
  return (
    <section class="panel" aria-label={n("logs")} data-logs>
      <h3>{n("logs")}</h3>
      <p class="quiet">{n("logs.lead")}</p>
      <ProblemNote error={error} />
      <div class="order-kinds">
        <button type="button" class="button" onClick={ask} disabled={isOpen} data-logs-ask>
          {n("logs.ask")}
        </button>
        {file !== undefined && (
          <button type="button" class="button" onClick={() => void show(file).catch(setError)} data-logs-show>
            {n("logs")} · {formatDayTime(locale.value, brought?.answeredAtMs ?? 0, timeZone)}
          </button>
        )}
      </div>
      {isOpen && <p class="hint">{n("logs.waits")}</p>}
      {told !== undefined && <p class="hint">{told}</p>}
      {file === undefined && !isOpen && <p class="quiet">{n("logs.none")}</p>}
      {lines !== undefined && (
        <>
          <label class="field">
            <span>{n("logs.filter")}</span>
            <input value={only} onInput={(event) => setOnly(event.currentTarget.value)} maxLength={64} />
          </label>
          <p class="quiet">
            {n("logs.of", {
              time: formatDayTime(locale.value, brought?.answeredAtMs ?? 0, timeZone),
              n: formatNumber(locale.value, shown.length),
            })}
          </p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it. */}
          <pre class="log" tabIndex={0}>
            {shown
              .map(
                ({ atMs, level, text }) => `${atMs === undefined ? "" : new Date(atMs).toISOString()} ${level} ${text}`,
              )
              .join("\n")}
          </pre>
        </>
      )}
    </section>
  );
}
