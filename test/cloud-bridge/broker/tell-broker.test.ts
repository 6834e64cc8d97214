import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { tellBroker } from "../../../cloud-bridge/broker/tell-broker.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";

/** @returns whom the signal went to, and what was said of it */
function told(text: string | undefined) {
  const folder = mkdtempSync(join(tmpdir(), "shao-pid-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const pidFile = join(folder, "mosquitto.pid");
  if (text !== undefined) writeFileSync(pidFile, text);
  const signalled: [number, string][] = [];
  const log = new QuietLog();
  tellBroker(pidFile, log, (pid, signal) => signalled.push([pid, signal]));
  return { pidFile, signalled, lines: log.lines };
}

test("the process that the broker's file names is sent SIGHUP", () => {
  expect(told("4711\n")).toMatchObject({ signalled: [[4711, "SIGHUP"]], lines: [] });
});

test.for(["", "\n", "0", "1", "-1", "-4711", "4711 4712", "0x10", "1e3", "4711.5", "mosquitto"])(
  "a file of %j names no broker: nobody is signalled, and a person is told",
  (text) => {
    const { pidFile, signalled, lines } = told(text);
    expect(signalled).toEqual([]);
    const fields = { code: "BROKER_FILES_CHANGED", pidFile, error: expect.stringContaining("holds no process id") };
    expect(lines).toMatchObject([{ level: "error", fields }]);
  },
);

test("without the file a person is told, and told what to do where none is configured", () => {
  expect(told(undefined)).toMatchObject({ signalled: [], lines: [{ level: "error" }] });
  const log = new QuietLog();
  tellBroker(undefined, log);
  expect(log.lines).toMatchObject([{ level: "warn", fields: { code: "BROKER_FILES_CHANGED" } }]);
});
