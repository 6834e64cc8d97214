import { Fragment } from "preact";
import type { NodeView } from "../../../api/schema/fleet.ts";
import type { FleetGroup, FleetSummary } from "../../../api/schema/fleet-list.ts";
import { nowMs } from "../clock.ts";
import { ageSinceTold, standingOf } from "../state/fleet.ts";
import { chosen } from "../state/fleet-list.ts";
import { formatAge, formatNumber } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { fleetText as f } from "../text/packs/fleet.ts";
import { faultName } from "./fleet-filters.tsx";
import { Icon, type IconName } from "./icon.tsx";
import { AccountingLine, DEVICE_LOOK } from "./presence.tsx";

const HEARTBEAT_LATE_MS = 150_000;
const SOON_H = 48;
const MARKS: Readonly<Record<ReturnType<typeof standingOf>, IconName>> = {
  ok: "connected",
  attention: "open",
  away: "disconnected",
};

interface Column {
  readonly name:
    | "node"
    | "connection"
    | "heartbeat"
    | "devices"
    | "version"
    | "link"
    | "buffer"
    | "accounting"
    | "clock"
    | "faults";
  /** What the bridge orders by; absent: it cannot. */
  readonly sort?: string;
}
const COLUMNS: readonly Column[] = [
  { name: "node", sort: "id" },
  { name: "connection", sort: "standing" },
  { name: "heartbeat", sort: "heartbeat" },
  { name: "devices" },
  { name: "version", sort: "version" },
  { name: "link", sort: "rtt" },
  { name: "buffer", sort: "hoursToFull" },
  { name: "accounting", sort: "unexplained" },
  { name: "clock" },
  { name: "faults", sort: "faults" },
];

interface Props {
  readonly rows: readonly NodeView[];
  readonly search: string;
  readonly summary: FleetSummary;
}

export function FleetTable({ rows, search, summary }: Props) {
  const query = new URLSearchParams(search);
  const sort = query.get("sort") ?? "id";
  const group = query.get("group") as FleetGroup | null;
  return (
    <div class="table-scroll">
      <table class="table fleet">
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <Head key={column.name} column={column} sort={sort} search={search} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((node, at) => {
            const before = rows[at - 1];
            const key = group === null ? undefined : groupKey(node, group);
            const isNew = key !== undefined && (before === undefined || groupKey(before, group ?? "site") !== key);
            return (
              <Fragment key={node.id}>
                {isNew && <GroupHead of={key} summary={summary} group={group ?? "site"} />}
                <Row node={node} />
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Head({
  column: { name, sort: by },
  sort,
  search,
}: {
  readonly column: Column;
  readonly sort: string;
  readonly search: string;
}) {
  const isUp = sort === by;
  const isDown = sort === `-${by}`;
  if (by === undefined) return <th scope="col">{f(name)}</th>;
  return (
    <th scope="col" aria-sort={isUp ? "ascending" : isDown ? "descending" : "none"}>
      <a
        href={chosen(search, "sort", isUp ? `-${by}` : by)}
        title={f(isUp ? "sort.down" : "sort.up", { column: f(name) })}
        data-sort={by}
      >
        {f(name)} {isUp ? "▲" : isDown ? "▼" : ""}
      </a>
    </th>
  );
}

function GroupHead({
  of,
  summary,
  group,
}: {
  readonly of: string;
  readonly summary: FleetSummary;
  readonly group: FleetGroup;
}) {
  const counts = summary.groups.find(({ key }) => key === of);
  const name = group === "standing" ? t(`standing.${of as "ok" | "attention" | "away"}`) : counts?.name || of;
  return (
    <tr class="fleet-group" data-group={of}>
      <th scope="rowgroup" colSpan={COLUMNS.length}>
        {name === "" ? f("nobody") : name}
        {counts && (
          <span class="quiet">
            {" "}
            {f("group.counts", {
              nodes: counts.nodes,
              away: counts.away,
              attention: counts.attention,
              unexplained: counts.unexplained,
            })}
          </span>
        )}
      </th>
    </tr>
  );
}

function Row({ node }: { readonly node: NodeView }) {
  const standing = standingOf(node);
  const { transport } = node.presence;
  const away = transport === "never" ? "is-dim" : "is-bad";
  return (
    <tr data-node={node.id} class={`standing-${standing}`}>
      <th scope="row">
        <span class="node-mark">
          <Icon name={MARKS[standing]} size={13} />
          <span class="sr">{t(`standing.${standing}`)}</span>
        </span>{" "}
        <a href={`/nodes/${encodeURIComponent(node.id)}`} data-fleet-link>
          {node.id}
        </a>
        <p class="quiet">{node.siteName ?? node.siteId}</p>
        {node.revokedAtMs !== undefined && <span class="tag is-warning">{t("nodes.revoked")}</span>}
      </th>
      <td class={transport === "connected" ? "is-good" : away}>{t(`transport.${transport}`)}</td>
      <Heartbeat node={node} />
      <td>
        <Devices node={node} />
      </td>
      <td>
        {node.version}
        {node.configSha256 !== undefined && <code title={node.configSha256}>{node.configSha256.slice(0, 8)}</code>}
      </td>
      <td>{node.rttMs === undefined ? "–" : f("rtt", { n: Math.round(node.rttMs) })}</td>
      <td>
        <BufferWords node={node} />
      </td>
      <td class="fleet-accounting">
        <AccountingLine total={node.accounting} />
      </td>
      <td class={node.timeQuality === "none" ? "is-bad" : ""}>
        {node.timeQuality === undefined
          ? "–"
          : t(`time-quality.${node.timeQuality as "gnss" | "ntp" | "rtc" | "none"}`)}
      </td>
      <td class="fleet-faults">
        <FaultWords node={node} />
      </td>
    </tr>
  );
}

function Heartbeat({ node }: { readonly node: NodeView }) {
  // Ages grow between two tellings of the bridge: reading the clock here draws this cell alone anew.
  nowMs.value;
  const { heartbeatAgeMs, parkedSinceMs } = node.presence;
  if (parkedSinceMs !== undefined) {
    return (
      <td class="is-dim">{t("presence.parked", { time: formatAge(locale.value, nowMs.value - parkedSinceMs) })}</td>
    );
  }
  if (heartbeatAgeMs === undefined) return <td class="is-warning">{t("presence.none")}</td>;
  const ageMs = heartbeatAgeMs + ageSinceTold(node.id);
  const mood = ageMs > HEARTBEAT_LATE_MS ? "is-warning" : "is-good";
  return <td class={mood}>{t("presence.ago", { time: formatAge(locale.value, ageMs) })}</td>;
}

/** How many there are, and each that is not well by its name. */
function Devices({ node }: { readonly node: NodeView }) {
  const { devices } = node.presence;
  const troubled = devices.filter(({ state }) => state !== "online" && state !== "parked");
  return (
    <>
      {t("presence.devices-online", { n: devices.length - troubled.length, of: devices.length })}
      {troubled.map(({ device, state }) => (
        <p key={device} class={DEVICE_LOOK[state].mood}>
          <Icon name={DEVICE_LOOK[state].icon} size={12} /> {device} {t(`device.${state}`)}
        </p>
      ))}
    </>
  );
}

function BufferWords({ node }: { readonly node: NodeView }) {
  const { unsentRecords = 0, journal } = node;
  const hours = journal?.hoursToFull;
  return (
    <>
      {f("unsent", { n: formatNumber(locale.value, unsentRecords) })}
      {journal?.full === true && <p class="is-bad">{f("journal-full")}</p>}
      {hours !== undefined && (
        <p class={hours < SOON_H ? "is-warning" : "quiet"}>
          {hours < 2 * SOON_H
            ? f("hours-to-full", { n: Math.floor(hours) })
            : f("days-to-full", { n: Math.floor(hours / 24) })}
        </p>
      )}
    </>
  );
}

/** The bridge's verdicts, and what devices say of themselves, each with what to do. */
function FaultWords({ node }: { readonly node: NodeView }) {
  const named = new Set(node.faults.map(({ device }) => device));
  const told = node.presence.devices.filter(({ hint, device }) => hint !== undefined && !named.has(device));
  return (
    <>
      {node.faults.map(({ rule, device }) => {
        const hint = node.presence.devices.find((one) => one.device === device)?.hint;
        return (
          <p key={`${rule} ${device ?? ""}`} class="is-warning" title={hint}>
            {faultName(rule)}
            {device !== undefined && ` · ${device}`}
            {hint !== undefined && <small class="quiet">{hint}</small>}
          </p>
        );
      })}
      {told.map(({ device, hint, message }) => (
        <p key={device} title={hint}>
          {device}: {message}
          <small class="quiet">{hint}</small>
        </p>
      ))}
    </>
  );
}

function groupKey(node: NodeView, group: FleetGroup): string {
  switch (group) {
    case "unit":
      return node.unitId ?? "";
    case "site":
      return node.siteId ?? "";
    case "version":
      return node.version ?? "";
    case "config":
      return node.configSha256 ?? "";
    case "standing":
      return standingOf(node);
  }
}
