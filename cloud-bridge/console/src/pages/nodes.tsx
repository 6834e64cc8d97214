import { useEffect, useState } from "preact/hooks";
import "../styles/nodes.css";
import "../styles/fleet.css";
import { streamClient } from "../api/events.ts";
import { AddNode } from "../parts/add-node.tsx";
import { FleetFilters } from "../parts/fleet-filters.tsx";
import { FleetTable } from "../parts/fleet-table.tsx";
import { Icon } from "../parts/icon.tsx";
import { ProblemNote } from "../parts/problem.tsx";
import { navigate, search } from "../router.ts";
import { nodes, type Standing } from "../state/fleet.ts";
import { chosen, fleetList, isChosen, loadFleet } from "../state/fleet-list.ts";
import { loadRegisters } from "../state/registers.ts";
import { may } from "../state/session.ts";
import { formatNumber } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { fleetText as f } from "../text/packs/fleet.ts";

const REFRESH_MS = 15_000;
const STANDINGS: readonly Standing[] = ["away", "attention", "ok"];

/** A page of the fleet as the address asks for it; the bridge chooses, orders and counts. */
export function NodesPage() {
  const [error, setError] = useState<unknown>();
  const [isAdding, setAdding] = useState(false);
  const asked = search.value;
  const client = streamClient.value;
  useEffect(() => {
    const load = (): void => {
      if (document.visibilityState === "hidden") return;
      loadFleet(asked).then(() => setError(undefined), setError);
    };
    load();
    const timer = setInterval(load, REFRESH_MS);
    return () => clearInterval(timer);
  }, [asked, client]);
  useEffect(() => {
    loadRegisters().catch(() => {});
  }, []);
  useFleetKeys();
  const list = fleetList.value;
  const rows = list?.ids.flatMap((id) => nodes.value.get(id) ?? []) ?? [];
  const n = (value: number): string => formatNumber(locale.value, value);
  return (
    <div class="page" data-fleet={list === undefined ? "" : list.search || "all"}>
      <header class="page-head">
        <h1>{t("nodes.title")}</h1>
        <ul class="summary">
          {STANDINGS.map((standing) => (
            <li key={standing} class={`standing-${standing}`}>
              <a href={chosen(asked, "standing", standing)}>
                <b>{n(list?.summary.total[standing] ?? 0)}</b> {t(`standing.${standing}`)}
              </a>
            </li>
          ))}
        </ul>
        {may("addNodes") && (
          <button type="button" class="button is-main" onClick={() => setAdding(true)}>
            <Icon name="plus" size={14} /> {t("nodes.add")}
          </button>
        )}
      </header>
      <FleetFilters search={asked} summary={list?.summary} />
      <ProblemNote error={error} />
      {list !== undefined && rows.length === 0 && (
        <div class="empty is-tall">
          <Icon name="node" size={28} />
          <p>{isChosen(asked) ? f("none") : t("nodes.none")}</p>
        </div>
      )}
      {list !== undefined && rows.length > 0 && <FleetTable rows={rows} search={list.search} summary={list.summary} />}
      {list !== undefined && (
        <nav class="fleet-pages">
          <span class="quiet">{f("shown", { n: n(rows.length), of: n(list.summary.total.nodes) })}</span>
          {new URLSearchParams(asked).has("cursor") && (
            <a class="button" href={chosen(asked, "cursor", undefined)}>
              {f("first")}
            </a>
          )}
          {list.next !== undefined && (
            <a class="button" href={chosen(asked, "cursor", list.next)} data-fleet-next>
              {f("next")}
            </a>
          )}
          <span class="quiet fleet-keys">{f("search.hint")}</span>
        </nav>
      )}
      {isAdding && <AddNode onClose={() => setAdding(false)} />}
    </div>
  );
}

/** The fleet by keyboard; never while somebody types. */
function useFleetKeys(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const { target, key } = event;
      const isTyping = target instanceof Element && target.closest("input, select, textarea, dialog") !== null;
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !press(key)) return;
      event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}

function press(key: string): boolean {
  const links = [...document.querySelectorAll<HTMLAnchorElement>("[data-fleet-link]")];
  const at = links.indexOf(document.activeElement as HTMLAnchorElement);
  switch (key) {
    case "j":
      links[Math.min(links.length - 1, at + 1)]?.focus();
      return true;
    case "k":
      links[Math.max(0, at - 1)]?.focus();
      return true;
    case "/":
      document.querySelector<HTMLInputElement>(".fleet-search input")?.focus();
      return true;
    case "n":
      document.querySelector<HTMLAnchorElement>("[data-fleet-next]")?.click();
      return true;
    case "x":
      navigate("/nodes");
      return true;
    default:
      return false;
  }
}
