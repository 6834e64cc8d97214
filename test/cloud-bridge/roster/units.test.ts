import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Area, gridCell, isInArea, isInAreas } from "../../../cloud-bridge/roster/areas.ts";
import { putCrew } from "../../../cloud-bridge/roster/crews.ts";
import { findUnit, listUnits, putUnit, readUnitTree, removeUnit } from "../../../cloud-bridge/roster/units.ts";
import { temporaryStore } from "../../fakes/bridge-store.ts";

const CORNERS = [
  { latitudeDeg: 39.9, longitudeDeg: 116.44 },
  { latitudeDeg: 39.9, longitudeDeg: 116.48 },
  { latitudeDeg: 39.94, longitudeDeg: 116.48 },
  { latitudeDeg: 39.94, longitudeDeg: 116.44 },
];
const SQUARE: Area = { kind: "polygon", outline: CORNERS };

async function city() {
  const { db } = await temporaryStore();
  await putUnit(db, { id: "beijing", name: "北京市", level: "city" });
  await putUnit(db, { id: "chaoyang", name: "朝阳区", level: "district", parentId: "beijing" });
  await putUnit(db, { id: "hujialou", name: "呼家楼街道", level: "street", parentId: "chaoyang", areas: [SQUARE] });
  await putUnit(db, { id: "jintai", name: "金台社区", level: "community", parentId: "hujialou" });
  await putUnit(db, { id: "traffic", name: "交通支队", level: "department", parentId: "chaoyang" });
  return db;
}

describe("units", () => {
  test("stand as a tree: a subtree is all below, a path all above", async () => {
    const tree = await readUnitTree(await city());
    expect([...tree.subtree("chaoyang")].sort()).toEqual(["chaoyang", "hujialou", "jintai", "traffic"]);
    expect(tree.path("jintai").map(({ id }) => id)).toEqual(["beijing", "chaoyang", "hujialou", "jintai"]);
    expect(tree.subtree("nowhere").size).toBe(0);
    expect(tree.get("hujialou")?.areas).toEqual([SQUARE]);
  });

  test("stand below what may hold them, and never below themselves", async () => {
    const db = await city();
    const refused = [
      { id: "x", name: "X", level: "street", parentId: "nowhere" },
      { id: "x", name: "X", level: "district", parentId: "hujialou" },
      { id: "x", name: "X", level: "street", parentId: "traffic" },
      { id: "chaoyang", name: "朝阳区", level: "district", parentId: "chaoyang" },
      { id: "traffic", name: "交通支队", level: "department", parentId: "traffic" },
      { id: "chaoyang", name: "朝阳区", level: "community" },
    ] as const;
    const codes: string[] = [];
    for (const unit of refused) {
      await putUnit(db, unit).catch((error: { code: string; status: number }) => {
        codes.push(`${error.code} ${error.status}`);
      });
    }
    expect(codes).toEqual(["UNIT_UNKNOWN 422", ...Array<string>(5).fill("UNIT_TREE 422")]);
    await putUnit(db, { id: "squad", name: "中队", level: "department", parentId: "traffic" });
    const loop = { id: "traffic", name: "交通支队", level: "department", parentId: "squad" } as const;
    await expect(putUnit(db, loop)).rejects.toMatchObject({ code: "UNIT_TREE" });
    expect((await listUnits(db)).map(({ id }) => id)).toEqual([
      ...["beijing", "chaoyang", "hujialou", "jintai", "squad", "traffic"],
    ]);
  });

  test("go only when nothing names them, and an edit sees what is there", async () => {
    const db = await city();
    await putCrew(db, { id: "a", name: "A", unitId: "jintai" });
    await expect(removeUnit(db, "hujialou")).rejects.toMatchObject({
      code: "UNIT_IN_USE",
      message: "unit hujialou still has units below it",
    });
    await expect(removeUnit(db, "jintai")).rejects.toMatchObject({ message: "unit jintai still has crews" });
    await removeUnit(db, "traffic");
    await expect(findUnit(db, "traffic")).rejects.toMatchObject({ code: "UNIT_UNKNOWN", status: 404 });
    const seen: unknown[] = [];
    const refuse = (current: unknown): void => {
      seen.push(current);
      throw new Error("changed");
    };
    await expect(putUnit(db, { id: "jintai", name: "J", level: "community" }, refuse)).rejects.toThrow("changed");
    expect(seen).toEqual([{ id: "jintai", name: "金台社区", level: "community", parentId: "hujialou" }]);
    expect((await findUnit(db, "jintai")).name).toBe("金台社区");
  });
});

describe("areas", () => {
  test("hold what lies in them, also with a notch and across the date line", () => {
    const notched: Area = { kind: "polygon", outline: [...CORNERS, { latitudeDeg: 39.91, longitudeDeg: 116.46 }] };
    expect(isInArea({ latitudeDeg: 39.92, longitudeDeg: 116.45 }, SQUARE)).toBe(true);
    expect(isInArea({ latitudeDeg: 39.92, longitudeDeg: 116.445 }, notched)).toBe(false);
    expect(isInArea({ latitudeDeg: 39.92, longitudeDeg: 116.47 }, notched)).toBe(true);
    expect(isInArea({ latitudeDeg: 39.95, longitudeDeg: 116.45 }, SQUARE)).toBe(false);
    const outline = [179, -179].flatMap((longitudeDeg) => [
      { latitudeDeg: longitudeDeg > 0 ? -1 : 1, longitudeDeg },
      { latitudeDeg: longitudeDeg > 0 ? 1 : -1, longitudeDeg },
    ]);
    const dateLine: Area = { kind: "polygon", outline };
    expect(
      [179.5, -179.5, 178, -178, 0].map((longitudeDeg) => isInArea({ latitudeDeg: 0, longitudeDeg }, dateLine)),
    ).toEqual([true, true, false, false, false]);
  });

  test("of cells hold their southern and western edge, by the decimals as written", () => {
    expect(gridCell({ latitudeDeg: 39.91, longitudeDeg: 116.45 }, 0.01)).toBe("3991:11645");
    expect(gridCell({ latitudeDeg: -0.001, longitudeDeg: -0.001 }, 0.01)).toBe("-1:-1");
    fc.assert(
      fc.property(fc.integer({ min: -9000, max: 8999 }), fc.integer({ min: -18_000, max: 17_999 }), (row, column) => {
        const corner = { latitudeDeg: Number((row / 100).toFixed(2)), longitudeDeg: Number((column / 100).toFixed(2)) };
        const inside = { latitudeDeg: corner.latitudeDeg + 0.0099, longitudeDeg: corner.longitudeDeg + 0.0099 };
        expect([gridCell(corner, 0.01), gridCell(inside, 0.01)]).toEqual([`${row}:${column}`, `${row}:${column}`]);
        const area: Area = { kind: "cells", cellDeg: 0.01, cells: [`${row}:${column}`] };
        expect(isInAreas(corner, [area])).toBe(true);
        expect(isInAreas({ ...corner, longitudeDeg: corner.longitudeDeg - 0.001 }, [area])).toBe(false);
      }),
    );
  });
});
