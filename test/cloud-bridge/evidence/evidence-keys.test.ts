import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { expect, test } from "vitest";
import { applyEvidence, applyEvidenceLost } from "../../../cloud-bridge/evidence/apply-evidence.ts";
import { learnEvidenceKey } from "../../../cloud-bridge/evidence/evidence-keys.ts";
import { evidenceFacts, loadEvidence } from "../../../cloud-bridge/evidence/evidence-views.ts";
import type { Store } from "../../../cloud-bridge/store/database.ts";
import type { EvidenceBody } from "../../../protocol/evidence.ts";
import { evidenceKeyId, signEvidence } from "../../../protocol/evidence-manifest.ts";
import { newAlarmId, newRunId } from "../../../protocol/new-ids.ts";
import { temporaryStore } from "../../fakes/bridge-store.ts";

const NODE = "site-1";
const RUN = newRunId();

interface Key {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

class Bench {
  readonly store: Store;

  private constructor(store: Store) {
    this.store = store;
  }

  static async open(): Promise<Bench> {
    return new Bench(await temporaryStore());
  }

  async enrol(atMs: number): Promise<void> {
    await this.store.db
      .insertInto("nodes")
      .values({ id: NODE, created_at_ms: 0, paired_at_ms: atMs } as never)
      .onConflict((conflict) => conflict.column("id").doUpdateSet({ paired_at_ms: atMs }))
      .execute();
  }

  /** A `start` record of this key's holder arrives. */
  async start({ publicKey }: Key, atMs: number): Promise<void> {
    const text = publicKey.export({ type: "spki", format: "der" }).toString("base64");
    await this.store.db.transaction().execute((trx) => learnEvidenceKey(trx, NODE, text, atMs));
  }

  /** @returns its id */
  async take(
    { publicKey, privateKey }: Key,
    { node = NODE, evidenceId = `e-${newAlarmId(0)}` }: { node?: string; evidenceId?: string } = {},
  ): Promise<string> {
    const head = { upMs: 0, atMs: 0, timeQuality: "ntp", device: "noise-01" } as const;
    const part = { name: "clip", type: "clip", sizeBytes: 1, sha256: "a".repeat(64), fromMs: 0, toMs: 1 } as const;
    const unsigned: EvidenceBody = { evidenceId, alarmId: newAlarmId(0), parts: [part], missing: [] };
    const signer = { node, run: RUN, keyId: evidenceKeyId(publicKey) };
    const body = { ...unsigned, signature: signEvidence(head, unsigned, signer, privateKey) };
    const record = { seq: 1, ...head, kind: "evidence", body };
    await this.store.db.transaction().execute((trx) => applyEvidence(trx, { node, run: RUN, record, body }, 0));
    return evidenceId;
  }

  async signature(evidenceId: string): Promise<string> {
    return (await loadEvidence(this.store.db, evidenceId)).signature;
  }

  async stateOf(evidenceId: string): Promise<string | undefined> {
    const row = await loadEvidence(this.store.db, evidenceId);
    return (await evidenceFacts(this.store.db, row)).parts[0]?.state;
  }
}

const newKey = (): Key => generateKeyPairSync("ed25519");

test("another key than the pinned one is unconfirmed; once the node was enrolled anew it is believed, with all that it signed", async () => {
  const bench = await Bench.open();
  const [first, second] = [newKey(), newKey()];
  await bench.enrol(50);
  await bench.start(first, 100);
  await bench.start(second, 200);
  const before = await bench.take(second);
  expect(await bench.signature(before)).toBe("unconfirmed");
  await bench.start(second, 250);
  expect(await bench.signature(before)).toBe("unconfirmed");
  await bench.enrol(300);
  await bench.start(second, 400);
  expect(await bench.signature(before)).toBe("good");
  expect(await bench.signature(await bench.take(second))).toBe("good");
});

test("an enrolment confirms one key: after the node was enrolled anew with its old key, another one is not believed", async () => {
  const bench = await Bench.open();
  const [first, second] = [newKey(), newKey()];
  await bench.enrol(50);
  await bench.start(first, 100);
  await bench.enrol(300);
  await bench.start(first, 400);
  await bench.start(second, 500);
  expect(await bench.signature(await bench.take(second))).toBe("unconfirmed");
  expect(await bench.signature(await bench.take(first))).toBe("good");
});

test("no node can give up the evidence of another", async () => {
  const bench = await Bench.open();
  const key = newKey();
  const evidenceId = await bench.take(key);
  const { alarm_id: alarmId } = await loadEvidence(bench.store.db, evidenceId);
  const lost = { evidenceId, alarmId, part: "clip", sha256: "a".repeat(64), sizeBytes: 1, reason: "gone" } as const;
  await bench.store.db.transaction().execute((trx) => applyEvidenceLost(trx, "other", lost, 0));
  expect(await bench.stateOf(evidenceId)).toBe("announced");
  await bench.store.db.transaction().execute((trx) => applyEvidenceLost(trx, NODE, lost, 0));
  expect(await bench.stateOf(evidenceId)).toBe("lost");
});

test("an id that another node used for its own evidence hides nothing: the second is a fault of its node", async () => {
  const bench = await Bench.open();
  const evidenceId = await bench.take(newKey(), { node: "other" });
  for (let i = 0; i < 3; i += 1) await bench.take(newKey(), { evidenceId });
  const faults = await bench.store.db.selectFrom("alarms").select(["node", "rule", "rev"]).execute();
  expect(faults).toEqual([{ node: NODE, rule: "evidence-untrusted", rev: 1 }]);
});
