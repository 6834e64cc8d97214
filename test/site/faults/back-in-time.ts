import { copyFileSync, cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import Database from "better-sqlite3";
import { copyState } from "../state-files.ts";
import type { Fault } from "./fault.ts";

/** A backup taken online, receipts that leave after it, and then that backup put in place of the database. */
export const oldBackupFault: Fault = {
  name: "old-backup",
  does: "the bridge goes on from a backup that is some seconds old",
  lanes: ["bridge"],
  needs: ["kept-records"],
  stroke: (_lane, random) => ({
    says: "bridge restored from an old backup",
    holdMs: 0,
    async inject(site) {
      const file = join(site.state("bridge"), "bridge.sqlite");
      const backup = join(site.directory, "backup.sqlite");
      rmSync(backup, { force: true });
      const db = new Database(file, { readonly: true });
      await db.backup(backup).finally(() => db.close());
      await wait(2_000 + random() * 4_000);
      await site.kill("bridge");
      await site.voidReceipts();
      for (const suffix of ["-wal", "-shm"]) rmSync(file + suffix, { force: true });
      copyFileSync(backup, file);
    },
    end: (site) => site.startHalf("bridge"),
  }),
};

/** Somebody copied the card of one box into another: two with the same name, certificate and past. */
export const clonedCardFault: Fault = {
  name: "cloned-card",
  does: "a second gateway runs beside the first on a copy of its state; the copy is emptied at the end",
  lanes: ["gateway"],
  needs: ["kept-records"],
  stroke: (_lane, random) => ({
    says: "card cloned",
    holdMs: 4_000 + random() * 4_000,
    async inject(site) {
      await site.kill("gateway");
      const clone = join(site.directory, `card-${site.cards.length + 1}`);
      copyState(site.state("gateway"), clone);
      await Promise.all([site.startCopy(clone), site.startHalf("gateway")]);
    },
    async end(site) {
      await site.endCopy();
      await site.kill("gateway");
      await site.startHalf("gateway");
    },
  }),
};

/** A card is changed for a new one, and found and put back later. */
export const cardBackFault: Fault = {
  name: "card-back",
  does: "the gateway runs on a new card for a while, then on the old one; the new one is emptied at the end",
  lanes: ["gateway"],
  needs: ["kept-records"],
  stroke: (_lane, random) => ({
    says: "card changed",
    holdMs: 3_000 + random() * 4_000,
    async inject(site) {
      await site.kill("gateway");
      const fresh = join(site.directory, `card-${site.cards.length + 1}`);
      cpSync(join(site.state("gateway"), "identity"), join(fresh, "identity"), { recursive: true });
      await site.startCopy(fresh);
    },
    async end(site) {
      await site.endCopy();
      await site.startHalf("gateway");
    },
  }),
};
