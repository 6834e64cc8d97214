import fc from "fast-check";
import { expect, test } from "vitest";
import { EventParser } from "../../../cloud-bridge/console/src/api/event-parser.ts";

const STREAM =
  ': hello\n\nevent: case\nid: 7\ndata: {"a":1}\n\ndata: x\r\ndata: y\r\n\r\nid: 8\n\nevent: live\ndata:z\n\n';
const EVENTS = [
  { event: "case", data: '{"a":1}', id: "7" },
  { event: "message", data: "x\ny" },
  { event: "live", data: "z" },
];

test("reads events, joins data lines, and gives an id only to the event that carries one", () => {
  expect(new EventParser().push(STREAM)).toEqual(EVENTS);
});

test("reads the same events in whatever pieces they arrive", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 12 }), (cuts) => {
      const parser = new EventParser();
      const at = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
      const events = at.slice(1).flatMap((end, i) => parser.push(STREAM.slice(at[i], end)));
      expect(events).toEqual(EVENTS);
    }),
  );
});

test("keeps half an event back until its empty line has come", () => {
  const parser = new EventParser();
  expect(parser.push("event: case\ndata: 1\n")).toEqual([]);
  expect(parser.push("\n")).toEqual([{ event: "case", data: "1" }]);
});
