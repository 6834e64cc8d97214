import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test, vi } from "vitest";
import type { JournalNews } from "../../../gateway/contracts/journal.ts";
import { openJournal } from "../../../gateway/journal/open-journal.ts";
import { held, position, stampAt, temporaryDirectory } from "./sample-records.ts";

test("a damaged row keeps none back that is whole while the disk takes no word of it, and is declared once it does", async () => {
  const directory = temporaryDirectory();
  await using journal = await openJournal({ directory, groupMs: 1, stamp: stampAt() });
  const news: JournalNews[] = [];
  journal.onNews((one) => news.push(one));
  await journal.write({ append: [position(), position(), position()] }, "grouped");
  {
    using db = new Closing(join(directory, "journal.sqlite"));
    const spoil = "UPDATE record SET bytes = CAST(replace(bytes, '39.912', '38.912') AS BLOB) WHERE seq = 2";
    expect(db.prepare(spoil).run().changes).toBe(1);
  }
  const read = async () => {
    const page = { lanes: [2], maxRecords: 10, maxBytes: 1e6 } as const;
    const rows = await journal.read({ run: journal.restored.run, ranges: [[1, 3]], ...page });
    return rows.map(({ seq }) => seq);
  };
  {
    using _ = held(directory);
    expect([await read(), news]).toEqual([[1, 3], []]);
  }
  expect(await read()).toEqual([1, 3]);
  await vi.waitFor(() => expect(news.map(({ code }) => code)).toEqual(["JOURNAL_ROW"]));
});

class Closing extends Database implements Disposable {
  [Symbol.dispose](): void {
    this.close();
  }
}
