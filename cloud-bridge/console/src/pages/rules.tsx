import { useEffect, useState } from "preact/hooks";
import "../styles/desk-forms.css";
import type { CatalogueVersion } from "../../../api/schema/casework.ts";
import type { NodeView } from "../../../api/schema/fleet.ts";
import type { PermitView } from "../../../api/schema/permits.ts";
import type { InhibitionView } from "../../../api/schema/whistles.ts";
import { Catalogues } from "../parts/catalogues.tsx";
import { Segments } from "../parts/figures.tsx";
import { Icon } from "../parts/icon.tsx";
import { EndInhibition, InhibitionForm, InhibitionTable } from "../parts/inhibitions.tsx";
import { PermitForm, PermitTable, RevokePermit } from "../parts/permits.tsx";
import { ProblemNote } from "../parts/problem.tsx";
import { allOf, loadSites } from "../state/desk.ts";
import { loadRegisters } from "../state/registers.ts";
import { may } from "../state/session.ts";
import { t } from "../text/locale.ts";
import { ruleText as r } from "../text/packs/rules.ts";

const TABS = ["permits", "work", "tables"] as const;
type Tab = (typeof TABS)[number];
type Asked =
  | { readonly what: "permit" | "begin" }
  | { readonly what: "revoke"; readonly permit: PermitView }
  | { readonly what: "end"; readonly id: string };

/** Whether something is dispatched, and by which tables it is measured: permits, maintenance, the city's own codes. */
export function RulesPage() {
  const [tab, setTab] = useState<Tab>("permits");
  const [asked, setAsked] = useState<Asked>();
  const [error, setError] = useState<unknown>();
  const [permits, setPermits] = useState<readonly PermitView[]>([]);
  const [work, setWork] = useState<readonly InhibitionView[]>([]);
  const [nodes, setNodes] = useState<readonly NodeView[]>([]);
  const [versions, setVersions] = useState<readonly CatalogueVersion[]>([]);
  const load = async (): Promise<void> => {
    try {
      const [permitList, workList, nodeList, versionList] = await Promise.all([
        allOf<PermitView>("/permits?revoked=true&sort=-fromMs&limit=500"),
        allOf<InhibitionView>("/inhibitions?limit=500"),
        allOf<NodeView>("/nodes?limit=500"),
        allOf<CatalogueVersion>("/catalogues?sort=-inForceFromMs&limit=500"),
        loadSites(),
        loadRegisters(),
      ]);
      setPermits(permitList);
      setWork(workList);
      setNodes(nodeList);
      setVersions(versionList);
      setError(undefined);
    } catch (cause) {
      setError(cause);
    }
  };
  useEffect(() => void load(), []);
  const close = (): void => {
    setAsked(undefined);
    void load();
  };
  return (
    <div class="page">
      <header class="page-head">
        <h1>{t("nav.rules")}</h1>
        <Segments
          label={r("tabs")}
          options={TABS.map((one) => ({ value: one, text: r(`tab.${one}`) }))}
          value={tab}
          onChange={setTab}
        />
        <span class="page-acts">
          {tab === "permits" && may("keepPermits") && (
            <button type="button" class="button is-main" onClick={() => setAsked({ what: "permit" })} data-add-permit>
              <Icon name="plus" size={14} /> {r("permits.add")}
            </button>
          )}
          {tab === "work" && may("keepWork") && (
            <button type="button" class="button is-main" onClick={() => setAsked({ what: "begin" })} data-add-work>
              <Icon name="plus" size={14} /> {r("work.add")}
            </button>
          )}
        </span>
      </header>
      <ProblemNote error={error} />
      <section class="panel" aria-label={r(`tab.${tab}`)}>
        {tab === "permits" && (
          <>
            <p class="quiet">{r("permits.lead")}</p>
            <PermitTable permits={permits} onRevoke={(permit) => setAsked({ what: "revoke", permit })} />
          </>
        )}
        {tab === "work" && (
          <>
            <p class="quiet">{r("work.lead")}</p>
            <InhibitionTable inhibitions={work} nodes={nodes} onEnd={({ id }) => setAsked({ what: "end", id })} />
          </>
        )}
        {tab === "tables" && <Catalogues versions={versions} onLoaded={() => void load()} />}
      </section>
      {asked?.what === "permit" && <PermitForm onClose={close} />}
      {asked?.what === "begin" && <InhibitionForm nodes={nodes} onClose={close} />}
      {asked?.what === "revoke" && <RevokePermit permit={asked.permit} onClose={close} />}
      {asked?.what === "end" && <EndInhibition id={asked.id} onClose={close} />}
    </div>
  );
}
