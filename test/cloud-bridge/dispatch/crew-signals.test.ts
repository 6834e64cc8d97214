import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type CrewSignal, keepSignal, takeSignals } from "../../../cloud-bridge/dispatch/channels/crew-signals.ts";
import { changing } from "../../../cloud-bridge/store/transactions.ts";
import { type ActBody, signAct } from "../../../protocol/assignment.ts";
import { evidenceKeyId } from "../../../protocol/evidence-manifest.ts";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import { type DeskRig, DISPATCHER, deskRig, newKey, T0 } from "../../fakes/desk-rig.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const publicKey = createPublicKey(privateKey);
const STATUSES = { "32772": "acknowledge", "32773": "en-route", "32774": "on-scene" } as const;

describe("what a crew says from its vehicle or by radio", () => {
  let rig: DeskRig;
  let assignmentId: string;
  let seq = 0;
  beforeEach(async () => {
    rig = await deskRig();
    await rig.db.updateTable("crews").set({ radio_issi: "2001" }).where("id", "=", "crew-a").execute();
    await rig.receive(noiseRevision({ nowMs: rig.clock.nowMs() }));
    await rig.desk.tick();
    assignmentId = (await rig.theCase()).assignments[0]?.id ?? "";
    rig.clock.pass(1000);
    seq = 0;
  });
  afterEach(() => rig.store.close());

  const act = (n: number, name: ActBody["act"], more: Partial<ActBody> = {}): CrewSignal["said"] => ({
    kind: "act",
    body: { n, assignmentId, act: name, ...more },
  });
  const status = (code: number, issi = "2001"): CrewSignal["said"] => ({ kind: "status", issi, code });
  const hear = (said: CrewSignal["said"], more: Partial<CrewSignal> = {}) => {
    seq += 1;
    const at = { node: "car-a", run: "r", seq, atMs: rig.clock.nowMs(), stampedAtMs: rig.clock.nowMs() };
    return changing(rig.db, (trx) => keepSignal(trx, { ...at, said, ...more }, rig.clock.nowMs()));
  };
  const take = () =>
    takeSignals(rig.db, {
      ...{ settings: rig.settings, statuses: STATUSES, nowMs: rig.clock.nowMs() },
      change: rig.desk.change,
    });
  const outcomes = async () =>
    (await rig.db.selectFrom("crew_signals").select(["n", "outcome"]).orderBy("id").execute()).map(
      ({ outcome }) => outcome,
    );

  test("acts move the case as the buttons of the crew's page do, with the time at which they were done", async () => {
    await hear(act(1, "seen"));
    await hear(act(2, "acknowledge"), { atMs: T0 + 700 });
    await hear(act(3, "en-route"));
    await take();
    const { case: facts, timeline, assignments } = await rig.theCase();
    expect(facts.state).toBe("en-route");
    expect(assignments[0]?.notifiedAtMs).toBeDefined();
    const said = timeline.filter(({ channel }) => channel === "vehicle-page");
    expect(said.map(({ kind, actor }) => [kind, actor])).toEqual([
      ["notified", "node:car-a"],
      ["acknowledge", "crew:crew-a"],
      ["en-route", "crew:crew-a"],
    ]);
    expect(said[1]).toMatchObject({ deviceTimeMs: T0 + 700, detail: { node: "car-a", signature: "none" } });
  });

  test("acts are applied in their order, however they arrive; a missing one is waited for, not for ever", async () => {
    await hear(act(2, "en-route"));
    await take();
    expect((await rig.theCase()).case.state).toBe("assigned");
    await hear(act(1, "acknowledge"));
    await take();
    const { timeline } = await rig.theCase();
    expect(timeline.filter(({ channel }) => channel === "vehicle-page").map(({ kind }) => kind)).toEqual([
      ...["acknowledge", "en-route"],
    ]);
    await hear(act(4, "on-scene"));
    await take();
    expect((await rig.theCase()).case.state).toBe("en-route");
    rig.clock.pass(61_000);
    await take();
    expect((await rig.theCase()).case.state).toBe("on-scene");
  });

  test("a record that comes twice is one act, and an act of a crew that is no longer on the case is told, not done", async () => {
    await hear(act(1, "acknowledge"), { seq: 90 });
    await hear(act(1, "acknowledge"), { seq: 90 });
    await take();
    const { case: facts } = await rig.theCase();
    await rig.desk.actOnCase(DISPATCHER, facts.id, { act: "withdraw", cause: "needed elsewhere" }, newKey());
    await hear(act(2, "on-scene"));
    await take();
    const { case: now, timeline } = await rig.theCase();
    expect(now.state).not.toBe("on-scene");
    expect(timeline.find(({ kind }) => kind === "act-refused")?.cause).toContain("ASSIGNMENT_OVER");
    expect(await outcomes()).toEqual(["done", "ASSIGNMENT_OVER"]);
  });

  test("a signature is checked against the node's pinned key, and a false one moves nothing", async () => {
    const keyId = evidenceKeyId(publicKey);
    const text = publicKey.export({ type: "spki", format: "der" }).toString("base64");
    await rig.db
      .insertInto("evidence_keys")
      .values({ node: "car-a", key_id: keyId, public_key: text, state: "pinned", first_seen_ms: T0 })
      .execute();
    const atMs = rig.clock.nowMs();
    const good = signAct({ n: 1, assignmentId, act: "acknowledge" }, { node: "car-a", atMs, keyId }, privateKey);
    await hear({ kind: "act", body: good });
    await hear({ kind: "act", body: { ...good, n: 2, act: "on-scene" } });
    await hear({ kind: "act", body: { ...good, n: 3 } }, { node: "car-b" });
    await take();
    expect((await rig.theCase()).case.state).toBe("acknowledged");
    const entry = (await rig.theCase()).timeline.find(({ kind }) => kind === "acknowledge");
    expect(entry?.detail).toMatchObject({ signature: "good" });
    rig.clock.pass(61_000);
    await take();
    expect(await outcomes()).toEqual(["done", "ACT_SIGNATURE", "ACT_SIGNATURE"]);
    // Another vehicle's page does not speak for this crew, even unsigned.
    await hear(act(4, "on-scene"), { node: "car-b" });
    rig.clock.pass(61_000);
    await take();
    expect((await outcomes()).at(-1)).toBe("ASSIGNMENT_NOT_YOURS");
  });

  test("a status means what the config says, for the crew that carries the radio, and not for what was before", async () => {
    await hear(status(32_772), { atMs: T0 - 60_000 });
    await hear(status(32_772, "9999"));
    await hear(status(1));
    await take();
    expect((await rig.theCase()).case.state).toBe("assigned");
    await hear(status(32_772));
    await hear(status(32_774));
    await take();
    const { case: facts, timeline } = await rig.theCase();
    expect(facts.state).toBe("on-scene");
    expect(timeline.filter(({ channel }) => channel === "radio")).toMatchObject([
      { kind: "acknowledge", detail: { issi: "2001", statusCode: 32_772 } },
      // A status is a button: where the crew is, its positions say.
      { kind: "on-scene", detail: { by: "button" } },
    ]);
    expect(await outcomes()).toEqual(["earlier", "no-crew", "no-meaning", "done", "done"]);
  });
});
