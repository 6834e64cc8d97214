import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { newAlarmId } from "../../protocol/new-ids.ts";
import { decodeRecord, encodeRecord, isKind, isShallow } from "../../protocol/record-codec.ts";
import { alarmRecord, noiseRecord } from "./examples.ts";

const bytesOf = (value: unknown): Uint8Array => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const HEAD = {
  seq: 7,
  upMs: 1,
  atMs: 2,
  timeQuality: "none",
  kind: "time",
  body: { upMs: 1, utcMs: 2, quality: "ntp" },
};

describe("stored bytes of a record", () => {
  test("a record comes out as it went in, on one line", () => {
    for (const record of [noiseRecord(), alarmRecord(newAlarmId(0))]) {
      const bytes = encodeRecord(9, record);
      expect(bytes.includes(0x0a)).toBe(false);
      const decoded = decodeRecord(bytes);
      expect(decoded).toEqual({ ok: true, record: { seq: 9, ...record }, known: { seq: 9, ...record } });
    }
  });

  test("text with newlines, quotes and Chinese stays one line and unharmed", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        const sane = text.toWellFormed();
        const bytes = encodeRecord(1, {
          upMs: 0,
          atMs: 0,
          timeQuality: "none",
          kind: "message",
          device: "radio",
          body: { type: "text", text: sane },
        });
        expect(bytes.includes(0x0a)).toBe(false);
        const decoded = decodeRecord(bytes);
        if (!decoded.ok || !isKind(decoded.known, "message")) throw new Error("not decoded");
        expect(decoded.known.body.text).toBe(sane);
      }),
    );
  });

  test("an unknown kind is taken raw, and unknown fields are ignored", () => {
    const kind = decodeRecord(bytesOf({ ...HEAD, kind: "tomorrow", body: { any: ["thing"] } }));
    expect(kind).toMatchObject({ ok: true, known: undefined, record: { kind: "tomorrow", body: { any: ["thing"] } } });
    const field = decodeRecord(bytesOf({ ...HEAD, moon: "full", body: { ...HEAD.body, extra: 1 } }));
    expect(field).toMatchObject({ ok: true, known: { kind: "time" } });
  });

  test("what is wrong is refused by number wherever the number can be read", () => {
    expect(decodeRecord(bytesOf({ ...HEAD, body: {} }))).toEqual({ ok: false, seq: 7, code: "ITEM_BODY" });
    expect(decodeRecord(bytesOf({ ...HEAD, atMs: "now" }))).toEqual({ ok: false, seq: 7, code: "ITEM_HEAD" });
    expect(decodeRecord(bytesOf(`{"seq":12,"upMs`))).toEqual({ ok: false, seq: 12, code: "ITEM_NOT_JSON" });
    expect(decodeRecord(bytesOf("rubbish"))).toEqual({ ok: false, code: "ITEM_NOT_JSON" });
    expect(decodeRecord(bytesOf(`{"seq":3,"x":${"[".repeat(16)}${"]".repeat(16)}}`))).toEqual({
      ok: false,
      seq: 3,
      code: "ITEM_TOO_DEEP",
    });
    expect(decodeRecord(Uint8Array.of(0x22, 0xff, 0x22))).toEqual({ ok: false, code: "ITEM_NOT_JSON" });
  });

  test("brackets inside text are not depth", () => {
    const deep = "[".repeat(50);
    expect(decodeRecord(bytesOf({ ...HEAD, kind: "note", body: { text: `${deep}\\"${deep}` } })).ok).toBe(true);
  });

  test("depth is told to the very level, of objects and arrays alike, however many there are beside each other", () => {
    const depthOf = (value: unknown): number =>
      typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;
    const nested = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        fc.string(),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(fc.string(), tie("value"), { maxKeys: 3 }),
      ),
    })).value;
    fc.assert(
      fc.property(nested, fc.integer({ min: 0, max: 8 }), (value, limit) => {
        expect(isShallow(bytesOf(JSON.stringify(value)), limit)).toBe(depthOf(value) <= limit);
      }),
    );
  });

  test("a body is at most 16 KiB, of lanes 0 and 1 at most 4 KiB", () => {
    const long = (bytes: number) => ({ x: "a".repeat(bytes) });
    expect(decodeRecord(bytesOf({ ...HEAD, kind: "note", body: long(16_000) })).ok).toBe(true);
    expect(decodeRecord(bytesOf({ ...HEAD, kind: "note", body: long(16_500) }))).toMatchObject({
      code: "ITEM_TOO_LARGE",
    });
    expect(decodeRecord(bytesOf({ ...HEAD, body: { ...HEAD.body, ...long(4_200) } }))).toEqual({
      ok: false,
      seq: 7,
      code: "ITEM_TOO_LARGE",
    });
    expect(() =>
      encodeRecord(1, {
        upMs: 0,
        atMs: 0,
        timeQuality: "none",
        kind: "result",
        body: { commandId: "c", ok: true, value: "字".repeat(2_000) },
      }),
    ).toThrow(/larger than 4096/);
  });

  test("any bytes decode to a record or to a fault, without throwing", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.json().map(bytesOf)), (bytes) => {
        expect(typeof decodeRecord(bytes).ok).toBe("boolean");
      }),
    );
  });
});
