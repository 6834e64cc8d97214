import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import { changing, lockDesk } from "../store/transactions.ts";
import { unknownNode } from "./enrolment.ts";
import { findSite, unknownSite } from "./sites.ts";

export interface NewBinding {
  readonly node: string;
  /** Absent: the node itself with every device of it, as when a box is moved or takes another one's place. */
  readonly device?: string;
  readonly siteId: string;
  /** From then on; what was before stays where it was. */
  readonly fromMs: number;
}

/**
 * Binds to a site. What nodes say of their site does not undo it.
 * @throws BridgeError NODE_UNKNOWN, SITE_UNKNOWN, BINDING_NOTHING, BINDING_TIME
 */
export async function bindTo(db: Db, { node, device, siteId, fromMs }: NewBinding, nowMs: number): Promise<void> {
  if (fromMs > nowMs) throw wrongTime("a binding cannot begin in the future");
  await changing(db, async (trx) => {
    await lockDesk(trx);
    const known = await trx.selectFrom("nodes").select("id").where("id", "=", node).executeTakeFirst();
    if (known === undefined) throw unknownNode(node);
    await findSite(trx, siteId).catch(() => {
      throw unknownSite(siteId, 422);
    });
    const devices = await devicesOf(trx, node, device);
    if (device !== undefined && devices.length === 0) {
      throw new BridgeError("BINDING_NOTHING", `${node} has no device ${device}`, {
        status: 422,
        hint: "GET /api/v1/devices?node={node} lists what it has.",
      });
    }
    for (const one of devices) await rebind(trx, { node, siteId, fromMs, ...one });
    if (device === undefined) await trx.updateTable("nodes").set({ site_id: siteId }).where("id", "=", node).execute();
  });
}

async function devicesOf(trx: Trx, node: string, device: string | undefined) {
  const all = trx
    .selectFrom("device_state")
    .select(["device", "driver", "quantity"])
    .where("node", "=", node)
    .where("subject_type", "=", "");
  return (device === undefined ? all : all.where("device", "=", device)).execute();
}

interface Rebound {
  readonly node: string;
  readonly device: string;
  readonly siteId: string;
  readonly driver: string | null;
  readonly quantity: string | null;
  readonly fromMs: number;
}

async function rebind(trx: Trx, { node, device, siteId, driver, quantity, fromMs }: Rebound): Promise<void> {
  const open = await trx
    .selectFrom("bindings")
    .select(["id", "site_id", "from_ms"])
    .where("node", "=", node)
    .where("device", "=", device)
    .where("to_ms", "is", null)
    .executeTakeFirst();
  if (open?.site_id === siteId) return;
  const last = await trx
    .selectFrom("bindings")
    .select("to_ms")
    .where("node", "=", node)
    .where("device", "=", device)
    .where("to_ms", ">", fromMs)
    .executeTakeFirst();
  if (last !== undefined || (open !== undefined && open.from_ms >= fromMs)) {
    throw wrongTime(`${device} was bound elsewhere at that time`);
  }
  if (open !== undefined) await trx.updateTable("bindings").set({ to_ms: fromMs }).where("id", "=", open.id).execute();
  const row = { node, device, site_id: siteId, driver, quantity, from_ms: fromMs, to_ms: null, source: "operator" };
  await trx.insertInto("bindings").values(row).execute();
}

function wrongTime(message: string): BridgeError {
  return new BridgeError("BINDING_TIME", message, {
    status: 422,
    hint: "Give a time after the last binding's begin, and not in the future: bindings do not overlap.",
  });
}
