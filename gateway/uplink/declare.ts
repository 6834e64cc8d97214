import type { BodyOf, NewRecord } from "../../protocol/record.ts";
import type { CustodyJournal } from "../contracts/journal.ts";
import type { Logger } from "../contracts/logger.ts";
import { declarations } from "./lacking.ts";
import type { SenderCommand } from "./sender-types.ts";

interface Declaring {
  readonly journal: CustodyJournal;
  readonly stamp: () => Pick<NewRecord, "upMs" | "atMs" | "timeQuality">;
  readonly log: Logger;
}

/** Writes the `shed` records for what the bridge asks for and this node lacks. */
export async function declareLacking(
  { journal, stamp }: Declaring,
  { run, ranges }: Extract<SenderCommand, { type: "declare-lacking" }>,
): Promise<void> {
  const lacking = await journal.lacking(run, ranges);
  if (lacking.length === 0) return;
  const sheds = declarations(run, lacking, await journal.unreceiptedSheds());
  const append = sheds.map((body): NewRecord => ({ ...stamp(), kind: "shed", body }));
  if (append.length > 0) await journal.write({ append }, "grouped");
}

/** Writes the `shed` record for one that the bridge cannot open. */
export async function declareUndecodable(
  { journal, stamp, log }: Declaring,
  { record, sha256 }: Extract<SenderCommand, { type: "declare-undecodable" }>,
): Promise<void> {
  const { run, seq } = record;
  const kind = /"kind":"([a-z0-9-]{1,32})"/.exec(Buffer.from(record.bytes).toString("latin1"))?.[1];
  const body: BodyOf<"shed"> = {
    run,
    ranges: [[seq, seq]],
    reason: "undecodable",
    sha256,
    ...(kind === undefined ? {} : { kind }),
  };
  log.error({ code: "RECORD_UNDECODABLE", run, seq, sha256 }, "bridge cannot open this record, declared and kept");
  await journal.write({ append: [{ ...stamp(), kind: "shed", body }] }, "urgent");
}
