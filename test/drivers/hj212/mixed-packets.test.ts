import { expect, test } from "vitest";
import { decodeReport } from "../../../drivers/hj212/decode.ts";
import { Fragments } from "../../../drivers/hj212/fragments.ts";
import { parseSegment } from "../../../drivers/hj212/segment.ts";

const SETTINGS = { levelPeriodS: 30, levelQuantity: "LAF", minutePeriodS: 600, dustUnit: "µg/m³" } as const;

test("two times in one message are no time: packets of two were taken for one", () => {
  const old = "ST=23;CN=2051;PW=123456;MN=010000A8900016;PNUM=2;PNO=";
  const packet = (index: number, area: string) => parseSegment(Buffer.from(`${old}${index};CP=&&${area}&&`));
  const fragments = new Fragments(60_000);
  expect(fragments.add(packet(1, "DataTime=20160801080000;Leq-Data=50.0"), 0)).toBeUndefined();
  const mixed = fragments.add(packet(2, "DataTime=20160801081000;LMx-Data=91.0"), 10_000);
  expect(mixed?.fields).toHaveLength(4);
  expect(() => mixed && decodeReport(mixed, SETTINGS, { nowMs: 0, isLive: true })).toThrow(/in one message/);
});
