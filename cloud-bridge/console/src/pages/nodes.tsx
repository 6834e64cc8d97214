import { useEffect, useState } from "preact/hooks";
import "../styles/nodes.css";
import type { NodeView } from "../../../api/schema/fleet.ts";
import { AddNode } from "../parts/add-node.tsx";
import { Faults } from "../parts/faults.tsx";
import { Icon } from "../parts/icon.tsx";
import { AccountingLine, DeviceChips, PresenceFacts } from "../parts/presence.tsx";
import { ProblemNote } from "../parts/problem.tsx";
import { loadSites, siteName } from "../state/desk.ts";
import { isFleetLoaded, loadNodes, nodesInOrder, type Standing, standingOf } from "../state/fleet.ts";
import { may } from "../state/session.ts";
import { t } from "../text/locale.ts";

const REFRESH_MS = 15_000;
const STANDINGS: readonly Standing[] = ["away", "attention", "ok"];

export function NodesPage() {
  const [error, setError] = useState<unknown>();
  const [isAdding, setAdding] = useState(false);
  useEffect(() => {
    const load = (): void => {
      loadNodes().then(() => setError(undefined), setError);
    };
    load();
    void loadSites().catch(() => {});
    const timer = setInterval(load, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  const list = nodesInOrder.value;
  return (
    <div class="page">
      <header class="page-head">
        <h1>{t("nodes.title")}</h1>
        <ul class="summary">
          {STANDINGS.map((standing) => (
            <li key={standing} class={`standing-${standing}`}>
              <b>{list.filter((node) => standingOf(node) === standing).length}</b> {t(`standing.${standing}`)}
            </li>
          ))}
        </ul>
        {may("addNodes") && (
          <button type="button" class="button is-main" onClick={() => setAdding(true)}>
            <Icon name="plus" size={14} /> {t("nodes.add")}
          </button>
        )}
      </header>
      <ProblemNote error={error} />
      {isFleetLoaded.value && list.length === 0 && (
        <div class="empty is-tall">
          <Icon name="node" size={28} />
          <p>{t("nodes.none")}</p>
        </div>
      )}
      <ul class="nodes">
        {list.map((node) => (
          <li key={node.id}>
            <NodeCard node={node} />
          </li>
        ))}
      </ul>
      {isAdding && <AddNode onClose={() => setAdding(false)} />}
    </div>
  );
}

const STANDING_ICON = { ok: "connected", attention: "open", away: "disconnected" } as const;

function NodeCard({ node }: { readonly node: NodeView }) {
  const standing = standingOf(node);
  return (
    <article class={`node-card standing-${standing}`} data-node={node.id}>
      <header>
        <span class="node-mark">
          <Icon name={STANDING_ICON[standing]} />
          <span class="sr">{t(`standing.${standing}`)}</span>
        </span>
        <h2>
          <a href={`/nodes/${encodeURIComponent(node.id)}`}>{node.id}</a>
        </h2>
        <span class="quiet">{siteName(node.siteId)}</span>
        {node.revokedAtMs !== undefined && <span class="tag is-warning">{t("nodes.revoked")}</span>}
        {node.version !== undefined && <span class="node-version">{node.version}</span>}
      </header>
      <PresenceFacts node={node} />
      <DeviceChips node={node} />
      <AccountingLine total={node.accounting} />
      <Faults node={node} />
    </article>
  );
}
