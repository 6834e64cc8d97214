import { useEffect, useState } from "preact/hooks";
import type { CommandView } from "../../../api/schema/commands.ts";
import type { NodeView } from "../../../api/schema/fleet.ts";
import { call } from "../api/client.ts";
import { may } from "../state/session.ts";
import { formatDayTime } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { nodeText as n } from "../text/packs/node.ts";
import { CommandForm, devicesFor, type OrderKind } from "./command-form.tsx";
import { Dialog } from "./dialog.tsx";
import { ProblemNote } from "./problem.tsx";

const REFRESH_MS = 4000;
const PAGE = 10;
const OF_KEEPERS: readonly OrderKind[] = ["restart", "diagnostics", "log-level"];
const OF_THE_DESK: readonly OrderKind[] = ["snapshot", "clip", "text", "status", "relay"];
const MOODS: Readonly<Record<CommandView["state"], string>> = {
  ...{ waiting: "is-dim", sent: "is-dim", cancelling: "is-dim", cancelled: "is-dim" },
  ...{ done: "is-good", refused: "is-bad", expired: "is-warning" },
};

interface Props {
  readonly node: NodeView;
  readonly timeZone: string | undefined;
  /** Orders as they stand now, newest first. */
  readonly onKnown?: (orders: readonly CommandView[]) => void;
}

/** What can be ordered of this box by this account, and what became of what was. */
export function NodeCommands({ node, timeZone, onKnown }: Props) {
  const [orders, setOrders] = useState<readonly CommandView[]>();
  const [limit, setLimit] = useState(PAGE);
  const [hasMore, setMore] = useState(false);
  const [error, setError] = useState<unknown>();
  const [asking, setAsking] = useState<OrderKind>();
  const [back, setBack] = useState<CommandView>();
  const path = `/nodes/${encodeURIComponent(node.id)}/commands`;
  const load = (): void => {
    call<{ items: CommandView[]; next?: string }>("GET", `${path}?limit=${limit}`).then(({ items, next }) => {
      setOrders(items);
      setMore(next !== undefined);
      setError(undefined);
      onKnown?.(items);
    }, setError);
  };
  useEffect(() => {
    load();
    const timer = setInterval(load, REFRESH_MS);
    return () => clearInterval(timer);
  }, [node.id, limit]);
  const offered = [...(may("addNodes") ? OF_KEEPERS : []), ...OF_THE_DESK].filter(
    (kind) => devicesFor(kind, node)?.length !== 0,
  );
  const takeBack = async (): Promise<void> => {
    if (back !== undefined) await call("POST", `${path}/${back.id}/cancel`, { body: {} });
    load();
  };
  return (
    <section class="panel" aria-label={n("orders")} data-orders>
      <h3>{n("orders")}</h3>
      <div class="order-kinds">
        {offered.map((kind) => (
          <button key={kind} type="button" class="button" data-order={kind} onClick={() => setAsking(kind)}>
            {n(`kind.${kind}`)}
          </button>
        ))}
      </div>
      <ProblemNote error={error} />
      {orders?.length === 0 && <p class="quiet">{n("orders.none")}</p>}
      <ul class="orders">
        {orders?.map((order) => (
          <li key={order.id} data-order-state={order.state} data-order-kind={order.kind}>
            <Order order={order} timeZone={timeZone} />
            {(order.state === "waiting" || order.state === "sent") && (
              <button type="button" class="button" data-order-cancel onClick={() => setBack(order)}>
                {n("cancel")}
              </button>
            )}
          </li>
        ))}
      </ul>
      {hasMore && (
        <button type="button" class="button" onClick={() => setLimit(Math.min(500, limit * 4))}>
          {n("orders.more")}
        </button>
      )}
      {asking !== undefined && (
        <CommandForm kind={asking} node={node} onClose={() => setAsking(undefined)} onOrdered={load} />
      )}
      {back !== undefined && (
        <Dialog title={n("cancel")} doIt={n("cancel")} isGrave onDo={takeBack} onClose={() => setBack(undefined)}>
          <p>{n("cancel.sure")}</p>
        </Dialog>
      )}
    </section>
  );
}

function Order({ order, timeZone }: { readonly order: CommandView; readonly timeZone: string | undefined }) {
  const { kind, args, state, issuedBy, issuedAtMs, expiresAtMs, result } = order;
  const when = (ms: number): string => formatDayTime(locale.value, ms, timeZone);
  const words = Object.entries(args).map(([name, value]) => `${name} ${String(value)}`);
  const isOpen = state === "waiting" || state === "sent";
  const file = result?.ok === true ? fileOf(order) : undefined;
  return (
    <div>
      <strong>{n(`kind.${kind as OrderKind}`)}</strong> <span class="quiet">{words.join(" · ")}</span>
      <p>
        <span class={`order-state ${MOODS[state]}`}>{n(`state.${state}`)}</span>{" "}
        <small class="quiet">
          {n("by", { who: issuedBy, when: when(issuedAtMs) })}
          {isOpen && ` · ${n("until", { time: when(expiresAtMs) })}`}
        </small>
      </p>
      {result?.ok === false && (
        <p class="hint">
          {result.message} <code>{result.code}</code>
        </p>
      )}
      {file !== undefined && (
        <a href={file} download>
          {n("file")}
        </a>
      )}
    </div>
  );
}

/** Where the file lies that an order brought. */
export function fileOf({ result }: CommandView): string | undefined {
  const value = result?.value as { readonly evidenceId?: unknown; readonly name?: unknown } | undefined;
  if (typeof value?.evidenceId !== "string" || typeof value.name !== "string") return undefined;
  return `/api/v1/evidence/${encodeURIComponent(value.evidenceId)}/parts/${encodeURIComponent(value.name)}`;
}
