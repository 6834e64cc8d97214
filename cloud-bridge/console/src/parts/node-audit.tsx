import { useEffect, useState } from "preact/hooks";
import type { AuditView } from "../../../api/schema/fleet-list.ts";
import { call } from "../api/client.ts";
import { formatDayTime } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { nodeText as n } from "../text/packs/node.ts";
import { ProblemNote } from "./problem.tsx";

/** What people and the box itself did to this node, newest first. */
export function NodeAudit({ node, timeZone }: { readonly node: string; readonly timeZone: string | undefined }) {
  const [rows, setRows] = useState<readonly AuditView[]>();
  const [next, setNext] = useState<string>();
  const [error, setError] = useState<unknown>();
  const load = (cursor?: string): void => {
    const page = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    call<{ items: AuditView[]; next?: string }>("GET", `/nodes/${encodeURIComponent(node)}/audit?limit=20${page}`).then(
      (found) => {
        setRows((before) => [...(cursor === undefined ? [] : (before ?? [])), ...found.items]);
        setNext(found.next);
        setError(undefined);
      },
      setError,
    );
  };
  useEffect(() => load(), [node]);
  return (
    <section class="panel" aria-label={n("audit")} data-audit>
      <h3>{n("audit")}</h3>
      <ProblemNote error={error} />
      {rows?.length === 0 && <p class="quiet">{n("audit.none")}</p>}
      <ul class="audit">
        {rows?.map(({ id, atMs, actor, action, detail }) => (
          <li key={id}>
            <span class="quiet">{formatDayTime(locale.value, atMs, timeZone)}</span> <strong>{actor}</strong>{" "}
            <code>{action}</code> <small class="quiet">{detail === undefined ? "" : JSON.stringify(detail)}</small>
          </li>
        ))}
      </ul>
      {next !== undefined && (
        <button type="button" class="button" onClick={() => load(next)}>
          {n("orders.more")}
        </button>
      )}
    </section>
  );
}
