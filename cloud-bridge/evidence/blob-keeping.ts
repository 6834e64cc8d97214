import type { Db } from "../store/database.ts";
import type { BlobFiles } from "./blob-files.ts";
import { isUnannounced } from "./blob-rows.ts";

const ENDED = ["closed", "closed-unverified", "false-alarm", "self-cleared", "merged"];
const AT_ONCE = 200;

export interface KeepingLimits {
  /** Files whose record has not come are kept so long. */
  readonly orphanMs: number;
  /** Files of ended cases are kept so long after the end; absent: as long as there is room. */
  readonly keepMs?: number;
  /** The case's own term: however short the room, a file of a case is kept so long after its end. */
  readonly caseMs: number;
  /** An upload that has not moved for so long holds no more room than what has come of it. */
  readonly staleMs: number;
}

/**
 * Lets go what may go: files whose record never came, and those of cases that ended long ago. Evidence of an open case, or
 * of an alarm that has no case yet, stays whatever the room.
 */
export class BlobKeeping {
  readonly #db: Db;
  readonly #files: BlobFiles;
  readonly #limits: KeepingLimits;

  constructor(db: Db, files: BlobFiles, limits: KeepingLimits) {
    this.#db = db;
    this.#files = files;
    this.#limits = limits;
  }

  /** @returns how many files went */
  async tidy(nowMs: number): Promise<number> {
    const orphans = await this.#orphansBefore(nowMs - this.#limits.orphanMs);
    for (const { node, sha256 } of orphans) {
      await this.#files.remove({ node, blob: sha256 });
      await this.#db.deleteFrom("blobs").where("node", "=", node).where("sha256", "=", sha256).execute();
    }
    const { keepMs } = this.#limits;
    const old = keepMs === undefined ? [] : await this.#ofEndedCases(nowMs - keepMs);
    for (const { node, sha256 } of old) await this.#letGo(node, sha256, nowMs);
    return orphans.length + old.length;
  }

  /**
   * What has come of uploads that stand still, then whole files of cases that ended before their own term, those first that
   * ended first. @returns bytes that came free
   */
  async makeRoom(bytes: number, nowMs: number): Promise<number> {
    let freed = 0;
    for (const { node, sha256, received_bytes } of await this.#stale(nowMs - this.#limits.staleMs)) {
      if (freed >= bytes) return freed;
      await this.#letGo(node, sha256, nowMs);
      freed += received_bytes;
    }
    for (const { node, sha256, size_bytes } of await this.#ofEndedCases(nowMs - this.#limits.caseMs)) {
      if (freed >= bytes) break;
      await this.#letGo(node, sha256, nowMs);
      freed += size_bytes;
    }
    return freed;
  }

  async #letGo(node: string, sha256: string, nowMs: number): Promise<void> {
    // The row first: a file that is gone is never called stored.
    await this.#db
      .updateTable("blobs")
      .set({ state: "gone", received_bytes: 0, updated_at_ms: nowMs })
      .where("node", "=", node)
      .where("sha256", "=", sha256)
      .execute();
    await this.#files.remove({ node, blob: sha256 });
  }

  #orphansBefore(atMs: number) {
    return this.#db
      .selectFrom("blobs")
      .select(["node", "sha256"])
      .where("updated_at_ms", "<", atMs)
      .where(isUnannounced)
      .limit(AT_ONCE)
      .execute();
  }

  /** Uploads of nodes that are gone, or that wait for something: begun, and not gone on with since. */
  #stale(atMs: number) {
    return this.#db
      .selectFrom("blobs")
      .select(["node", "sha256", "received_bytes"])
      .where("state", "=", "partial")
      .where("updated_at_ms", "<", atMs)
      .orderBy("updated_at_ms")
      .limit(AT_ONCE)
      .execute();
  }

  /** Announced ones of which every use is of a case that ended before. */
  #ofEndedCases(atMs: number) {
    return this.#db
      .selectFrom("blobs")
      .innerJoin("evidence_parts", (join) =>
        join.onRef("evidence_parts.node", "=", "blobs.node").onRef("evidence_parts.sha256", "=", "blobs.sha256"),
      )
      .innerJoin("evidence", "evidence.evidence_id", "evidence_parts.evidence_id")
      .leftJoin("case_alarms", "case_alarms.alarm_id", "evidence.alarm_id")
      .leftJoin("case_evidence", "case_evidence.evidence_id", "evidence.evidence_id")
      .leftJoin("cases", (join) =>
        join.on(({ eb, fn, ref }) =>
          eb(ref("cases.id"), "=", fn.coalesce("case_alarms.case_id", "case_evidence.case_id")),
        ),
      )
      .select(["blobs.node", "blobs.sha256", "blobs.size_bytes"])
      .where("blobs.state", "=", "stored")
      .groupBy(["blobs.node", "blobs.sha256", "blobs.size_bytes"])
      .having(({ fn, eb }) =>
        eb(
          fn.count("evidence.evidence_id"),
          "=",
          fn.count("evidence.evidence_id").filterWhere(({ and, or, eb: of }) =>
            or([
              and([of("cases.state", "in", ENDED), of("cases.closed_at_ms", "<", atMs)]),
              // What a command asked for belongs to no case.
              and([of("evidence.evidence_id", "like", "cmd-%"), of("evidence.received_at_ms", "<", atMs)]),
            ]),
          ),
        ),
      )
      .orderBy(({ fn }) => fn.max("cases.closed_at_ms"))
      .limit(AT_ONCE)
      .execute();
  }
}
