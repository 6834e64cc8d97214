import { expect, test } from "vitest";
import { ConfigTrial } from "../../gateway/config-trial.ts";
import { GatewayError } from "../../gateway/contracts/gateway-error.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import type { Command } from "../../protocol/session.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { unheldRejections } from "../fakes/unheld-rejections.ts";

test("a gateway starts with the config that is to be tried, though its journal refuses to note why", async () => {
  const unheld = unheldRejections();
  const log = new QuietLog();
  const { promise: restarted, resolve } = Promise.withResolvers<void>();
  const trial = ConfigTrial.of(
    {
      reported: { sha256: "", source: "file", lastGood: "", isTrial: false },
      order: async () => "later",
      isTrying: () => true,
      runs: () => undefined,
      answerBy: async () => undefined,
    },
    {
      journal: {
        setSetting: () =>
          Promise.reject(new GatewayError("JOURNAL_FULL", "no space left on device", { hint: "Make room." })),
      },
      clock: systemClock(),
      log,
      signal: new AbortController().signal,
      devices: () => [],
      uplink: () => undefined,
      onRestart: resolve,
    },
  );
  const command: Command = {
    ...{ v: 1, id: "c1", node: "site-042", kind: "config", issuedAtMs: 1, expiresAtMs: 2, keyId: "k", sig: "" },
    args: {},
  };
  expect(await trial?.take(command)).toBe("later");
  await restarted;
  await new Promise(setImmediate);
  expect(unheld).toEqual([]);
  expect(log.lines).toMatchObject([{ level: "warn", fields: { code: "JOURNAL_FULL" } }]);
});
