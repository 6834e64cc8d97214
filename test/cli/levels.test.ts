import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const entry = new URL("../../cli/shao.js", import.meta.url).pathname;

function levels(input: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [entry, "levels", ...args], {
    input,
    encoding: "utf8",
  });
  return { status, stderr, out: stdout === "" ? undefined : (JSON.parse(stdout) as Record<string, number | null>) };
}

test("levels on stdin give one JSON line", () => {
  const { status, out } = levels("80\n80.3\n80.6\n80.4\n79.7\n76.9\n");
  expect(status).toBe(0);
  expect(out?.["laeqDb"]).toBeCloseTo(79.806989166, 8);
  expect(out?.["selDb"]).toBeCloseTo(87.58850167, 8);
  expect(Object.keys(out ?? {})).toEqual(
    "n valid laeqDb lamaxDb laminDb l5Db l10Db l50Db l90Db l95Db sdDb selDb".split(" "),
  );
});

test("without a valid level all is null and the exit code is 1", () => {
  const { status, out } = levels("-\nNaN\n\n---\n");
  expect(status).toBe(1);
  expect(out).toMatchObject({ n: 4, valid: 0, laeqDb: null, l90Db: null, selDb: null });
});

test("a column of a table is taken by name or number, and a missing cell is a second without a level", () => {
  const table = "time,LAeq,LAF\n1,60,61\n2,,63\n3,60,65\n";
  expect(levels(table, "--column", "LAeq").out).toMatchObject({ n: 3, valid: 2, laeqDb: 60 });
  expect(levels(table, "--column", "3").out).toMatchObject({ n: 3, valid: 3, lamaxDb: 65 });
  expect(levels(table).status).toBe(64);
  expect(levels(table, "--column", "LAS").stderr).toContain("LAeq");
});

test("the output of decode goes in as it is, and its invalid levels count for nothing", () => {
  const lines = [
    '{"reading":{"kind":"noise","levelDb":60,"quantity":"LAF","flags":[]}}',
    '{"reading":{"kind":"noise","levelDb":3276.7,"quantity":"LAF","flags":["out-of-range"]}}',
    '{"fault":{"code":"MODBUS_CRC","message":"x","hint":"y"}}',
  ];
  expect(levels(lines.join("\n")).out).toMatchObject({ n: 3, valid: 1, laeqDb: 60 });
});

test("Ld, Ln and Ldn are added only when they are asked for", () => {
  const day = [...Array(8 * 3600).fill("55"), ...Array(16 * 3600).fill("70")].join("\n");
  const { out } = levels(day, "--ldn", "22:00");
  expect(out).toMatchObject({ ldDb: 70, lnDb: 55, dayHours: 16, nightHours: 8, validPct: 100 });
  expect(out?.["ldnDb"]).toBeCloseTo(68.8766, 4);
  expect(levels("60\n", "--ldn", "06:00").out).toMatchObject({ n: 1, ldDb: null, ldnDb: null, dayHours: 0 });
  expect(levels("60\n", "--ldn", "25:00").status).toBe(64);
  expect(levels("60\n", "--ldn", "06:00", "--min-day-hours", "no").stderr).toContain("from 0 to 16");
});
