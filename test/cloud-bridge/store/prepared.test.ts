import { expect, test } from "vitest";
import { prepared } from "../../../cloud-bridge/store/prepared.ts";
import { temporaryStore } from "../../fakes/bridge-store.ts";

interface Unit {
  readonly id: string;
  readonly name: string;
  readonly parentId: string | null;
}

test("a prepared query is built once, and each use fills in its own values, also null and one that stands twice", async () => {
  const { db } = await temporaryStore();
  let built = 0;
  const put = prepared((any, { id, name, parentId }: Unit) => {
    built += 1;
    return any
      .insertInto("units")
      .values({ id, name, level: "street", parent_id: parentId })
      .onConflict((conflict) => conflict.column("id").doUpdateSet({ name, parent_id: parentId }));
  });
  const named = prepared((any, { name }: { name: string }) =>
    any.selectFrom("units").select(["id", "parent_id"]).where("name", "=", name).orderBy("id").limit(2),
  );
  await put(db, { id: "a", name: "A", parentId: null });
  const changed = await db.transaction().execute((trx) => put(trx, { id: "b", name: "A", parentId: "a" }));
  await put(db, { id: "a", name: "A2", parentId: "b" });
  expect(built).toBe(1);
  expect(changed.numAffectedRows).toBe(1n);
  expect((await named(db, { name: "A" })).rows).toEqual([{ id: "b", parent_id: "a" }]);
  expect((await named(db, { name: "A2" })).rows).toEqual([{ id: "a", parent_id: "b" }]);
});
