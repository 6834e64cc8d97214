import type { StartBody } from "../../protocol/bodies.ts";
import { noteReported } from "../fleet/reported-config.ts";
import type { Trx } from "../store/database.ts";

interface Started {
  readonly node: string;
  readonly run: string;
  readonly body: StartBody;
  /** Corrected where that is known, else the bridge's own. */
  readonly atMs: number;
  /** Of the run that the node's hello calls current, or no other is known. */
  readonly isCurrent: boolean;
}

/**
 * What a node says of itself. Site and bindings are made from it only where an operator has bound nothing: what a person
 * decided stands.
 */
export async function applyStart(
  trx: Trx,
  { node, run, body, atMs, isCurrent }: Started,
  nowMs: number,
): Promise<void> {
  await trx
    .updateTable("runs")
    .set({
      started_at_ms: atMs,
      previous_run: body.previous?.run ?? null,
      previous_last_seq: body.previous?.lastSeq ?? null,
    })
    .where("node", "=", node)
    .where("run", "=", run)
    .execute();
  if (!isCurrent) return;
  await trx
    .updateTable("nodes")
    .set({ version: body.version, config_sha256: body.configSha256, current_run: run })
    .where("id", "=", node)
    .execute();
  if (body.config !== undefined) await noteReported(trx, node, body.config, nowMs);
  const siteId = await siteFor(trx, node, body, nowMs);
  for (const { id, driver, quantity } of body.devices) {
    await trx
      .insertInto("device_state")
      .values({ node, device: id, driver, quantity: quantity ?? null, state: "starting", at_ms: nowMs })
      .onConflict((conflict) =>
        conflict
          .columns(["node", "device", "subject_type", "subject_id"])
          .doUpdateSet({ driver, quantity: quantity ?? null }),
      )
      .execute();
    if (siteId !== undefined) await bind(trx, { node, device: id, siteId, driver, quantity: quantity ?? null, atMs });
  }
}

async function siteFor(trx: Trx, node: string, body: StartBody, nowMs: number): Promise<string | undefined> {
  const row = await trx.selectFrom("nodes").select("site_id").where("id", "=", node).executeTakeFirst();
  const { site } = body;
  if (site === undefined) return row?.site_id ?? undefined;
  const id = row?.site_id ?? node;
  const values = {
    name: site.name,
    time_zone: site.timeZone,
    latitude_deg: site.latitudeDeg ?? null,
    longitude_deg: site.longitudeDeg ?? null,
  };
  await trx
    .insertInto("sites")
    .values({ id, ...values, created_at_ms: nowMs, source: "node" })
    .onConflict((conflict) => conflict.column("id").doUpdateSet(values).where("sites.source", "=", "node"))
    .execute();
  if (row?.site_id == null) await trx.updateTable("nodes").set({ site_id: id }).where("id", "=", node).execute();
  return id;
}

interface Binding {
  readonly node: string;
  readonly device: string;
  readonly siteId: string;
  readonly driver: string;
  readonly quantity: string | null;
  readonly atMs: number;
}

async function bind(trx: Trx, { node, device, siteId, driver, quantity, atMs }: Binding): Promise<void> {
  const bound = await trx
    .selectFrom("bindings")
    .select("id")
    .where("node", "=", node)
    .where("device", "=", device)
    .where("to_ms", "is", null)
    .executeTakeFirst();
  if (bound !== undefined) return;
  await trx
    .insertInto("bindings")
    .values({ node, device, site_id: siteId, driver, quantity, from_ms: atMs, to_ms: null, source: "node" })
    .execute();
}
