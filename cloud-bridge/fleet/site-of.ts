import type { Trx } from "../store/database.ts";

/** Site that a device was bound to at a time; without a device, that of the node. Meters move, their history does not. */
export async function siteOf(trx: Trx, node: string, device: string, atMs: number): Promise<string | undefined> {
  if (device !== "") {
    const binding = await trx
      .selectFrom("bindings")
      .select("site_id")
      .where("node", "=", node)
      .where("device", "=", device)
      .where("from_ms", "<=", atMs)
      .where((or) => or.or([or("to_ms", "is", null), or("to_ms", ">", atMs)]))
      .orderBy("from_ms", "desc")
      .executeTakeFirst();
    if (binding !== undefined) return binding.site_id;
  }
  const row = await trx.selectFrom("nodes").select("site_id").where("id", "=", node).executeTakeFirst();
  return row?.site_id ?? undefined;
}
