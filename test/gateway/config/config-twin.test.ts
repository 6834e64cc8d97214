import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { DRIVERS } from "../../../drivers/registry.ts";
import { ConfigTwin } from "../../../gateway/config/config-twin.ts";
import { checkGatewayConfig } from "../../../gateway/config/load-gateway-config.ts";
import { TwinFiles, type TwinMemory, type TwinStep } from "../../../gateway/config/twin-files.ts";
import type { ConfigOutcome, TrialSubject } from "../../../gateway/contracts/config-twin.ts";
import type { HealthState } from "../../../protocol/bodies.ts";
import { contentHash } from "../../../protocol/document/content-hash.ts";
import { parseDocumentText } from "../../../protocol/document/parse-document.ts";
import type { Command } from "../../../protocol/session.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";

const SITE = `
# The installer's own words.
node: site-042
bridge: { url: "mqtts://127.0.0.1:8883" }
state: ./state
timeZone: Asia/Shanghai
buses: { line: { tcp: "127.0.0.1:502", framing: tcp } }
devices:
  noise-01: { driver: modbus-noise, bus: line, unit: 1 }
  stations: { driver: hj212, listen: "127.0.0.1:9000", stations: { "010000A8900016F000169DC0": { name: gate, password: "wb40" } } }
rules: { night: { kind: trigger, device: noise-01, limitDb: 70 } }
`;
/** As an operator edits what the node told: the secret is kept. */
const KEPT = SITE.replace('password: "wb40"', 'password: "***"');
const LOWER = KEPT.replace("limitDb: 70", "limitDb: 68");
const ONLINE = new Map<string, HealthState>([
  ["noise-01", "online"],
  ["stations", "offline"],
]);

const hash = (text: string): string => contentHash(parseDocumentText(text).root);

function order(revision: number, document: string, more: object = {}): Command {
  return {
    ...{ v: 1, id: `c${revision}`, node: "site-042", kind: "config", keyId: "k", sig: "" },
    ...{ issuedAtMs: 1000 + revision, expiresAtMs: 2_000_000_000_000 },
    args: { revision, document, sha256: hash(document), holdS: 2, ...more },
  };
}

class Dead extends Error {}

async function open(folder: string, siteText = SITE, diesAt?: { step: TwinStep; left: number }) {
  const site = await checkGatewayConfig(Buffer.from(siteText), DRIVERS);
  if (!site.ok) throw new Error(JSON.stringify(site.faults));
  const log = new QuietLog();
  const reach = (step: TwinStep): void => {
    if (diesAt?.step !== step) return;
    diesAt.left -= 1;
    if (diesAt.left <= 0) throw new Dead(step);
  };
  const files = new TwinFiles(folder, reach);
  const mortal = (write: () => void): void => {
    // Once dead, nothing more reaches the disk.
    if (diesAt !== undefined && diesAt.left <= 0) throw new Dead(diesAt.step);
    write();
  };
  const memory: TwinMemory = {
    readState: () => files.readState(),
    readDocument: (sha256) => files.readDocument(sha256),
    writeState: (state) => mortal(() => files.writeState(state)),
    writeDocument: (sha256, text) => mortal(() => files.writeDocument(sha256, text)),
  };
  const twin = await ConfigTwin.open({ folder, site, drivers: DRIVERS, log, memory });
  const answers: ConfigOutcome[] = [];
  const give = async (_: unknown, outcome: ConfigOutcome): Promise<void> => void answers.push(outcome);
  return { twin, log, answers, give, limit: () => (twin.config.rules[0] as { limitDb?: number } | undefined)?.limitDb };
}

/** A gateway of which `wellFrom` says when its meter answers; resolves when the trial is over. */
async function run(
  twin: ConfigTwin,
  wellFromMs: number,
  more: Partial<TrialSubject> = {},
): Promise<"kept" | "restart"> {
  const { promise, resolve } = Promise.withResolvers<"kept" | "restart">();
  const stop = new AbortController();
  let upMs = 0;
  twin.runs({
    states: () => new Map([["noise-01", upMs >= wellFromMs ? "online" : "silent"]]),
    isUplinkUp: () => true,
    upMs: () => upMs,
    async sleep(ms) {
      upMs += ms;
      if (!twin.reported.isTrial || upMs > 60_000) resolve("kept");
    },
    signal: stop.signal,
    restart: () => resolve("restart"),
    ...more,
  });
  const poll = setInterval(() => {
    if (!twin.reported.isTrial) resolve("kept");
  }, 5);
  const end = await promise;
  clearInterval(poll);
  stop.abort();
  return end;
}

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "shao-twin-unit-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "twin");
}

describe("a config from the bridge", () => {
  test("that works is in force after its self-test, over restarts, with the box's own secrets", async () => {
    const folder = scratch();
    const { twin, answers, give, limit } = await open(folder);
    expect(twin.reported).toEqual({ sha256: hash(SITE), source: "file", lastGood: hash(SITE), isTrial: false });
    await twin.answerBy(give);
    expect(await twin.order(order(1, LOWER), ONLINE)).toBe("later");
    expect(twin.reported).toMatchObject({ sha256: hash(LOWER), isTrial: true, lastGood: hash(SITE), revision: 1 });
    expect(limit()).toBe(68);
    expect(await run(twin, 3000)).toBe("kept");
    expect(answers).toEqual([{ ok: true, value: { state: "applied", sha256: hash(LOWER), revision: 1 } }]);

    const next = await open(folder);
    expect(next.twin.reported).toEqual({
      ...{ sha256: hash(LOWER), source: "bridge", lastGood: hash(LOWER), isTrial: false, revision: 1 },
    });
    expect(next.limit()).toBe(68);
    expect(JSON.stringify(next.twin.config.devices)).toContain("wb40");
    expect(readFileSync(join(folder, `${hash(LOWER)}.yaml`), "utf8")).not.toContain("wb40");
  });

  test("whose device does not answer is taken back, and the reason is told by the gateway after it", async () => {
    const folder = scratch();
    const { twin, answers, give, limit } = await open(folder);
    await twin.answerBy(give);
    await twin.order(order(1, LOWER), ONLINE);
    expect(await run(twin, Number.POSITIVE_INFINITY)).toBe("restart");
    twin.stopped();
    expect(answers).toEqual([]);
    expect(limit()).toBe(70);
    await twin.answerBy(give);
    const message = "answered before and does not answer: noise-01 (silent)";
    expect(answers).toEqual([{ ok: false, code: "CONFIG_REVERTED", message }]);
    expect(twin.reported).toMatchObject({ sha256: hash(SITE), source: "file", isTrial: false });
  });

  test("that loses the bridge, or with which the gateway does not start, is taken back", async () => {
    const lost = await open(scratch());
    await lost.twin.order(order(1, LOWER), ONLINE);
    expect(await run(lost.twin, 0, { isUplinkUp: () => false })).toBe("restart");
    await lost.twin.answerBy(lost.give);
    expect(lost.answers).toMatchObject([{ code: "CONFIG_REVERTED", message: "the bridge was not reached" }]);

    const broken = await open(scratch());
    await broken.twin.order(order(1, LOWER), ONLINE);
    broken.twin.broke(new Error("LOCAL_PORT"));
    await broken.twin.answerBy(broken.give);
    expect(broken.answers).toMatchObject([{ code: "CONFIG_REVERTED", message: expect.stringContaining("LOCAL_PORT") }]);
    expect(broken.limit()).toBe(70);
  });

  test.each(["broke", "stopped"] as const)(
    "whose folder breaks before it %s is taken back all the same",
    async (end) => {
      const folder = scratch();
      const { twin, answers, give, limit, log } = await open(folder);
      expect(await twin.order(order(1, LOWER), ONLINE)).toBe("later");
      const running = end === "stopped" ? run(twin, 60_000) : undefined;
      rmSync(folder, { recursive: true });
      writeFileSync(folder, "no folder");
      if (end === "broke") twin.broke(new Error("port 9000 is taken"));
      else twin.stopped();
      await running;
      expect(limit()).toBe(70);
      expect(twin.reported).toMatchObject({ sha256: hash(SITE), isTrial: false });
      expect(JSON.stringify(log.lines)).toContain("CONFIG_TWIN_BROKEN");
      await twin.answerBy(give);
      expect(answers).toMatchObject([{ ok: false, code: "CONFIG_REVERTED" }]);
      rmSync(folder);
      expect(await twin.order(order(2, LOWER), ONLINE)).toBe("later");
    },
  );

  test("is refused with its reason: older, repeated, not what its hash says, faulty, of another box, with a secret", async () => {
    const { twin, limit } = await open(scratch());
    expect(await twin.order(order(5, KEPT), ONLINE)).toMatchObject({ ok: true, value: { state: "unchanged" } });
    const codeOf = async (command: Command) => {
      const outcome = await twin.order(command, ONLINE);
      return outcome === "later" || outcome.ok ? outcome : outcome.code;
    };
    expect(await codeOf(order(4, LOWER))).toBe("CONFIG_DOWNGRADED");
    expect(await codeOf({ ...order(5, LOWER), id: "other" })).toBe("CONFIG_DOWNGRADED");
    expect(await codeOf(order(6, LOWER, { sha256: hash(SITE.replace("70", "71")) }))).toBe("CONFIG_HASH");
    expect(await codeOf(order(6, LOWER.replace("68", "loud")))).toBe("CONFIG_FAULTS");
    expect(await codeOf(order(6, "{"))).toBe("CONFIG_FAULTS");
    expect(await codeOf(order(6, LOWER.replace("127.0.0.1:8883", "evil.example:8883")))).toBe("CONFIG_LOCAL_ONLY");
    expect(await codeOf(order(6, LOWER.replace("site-042", "site-043")))).toBe("CONFIG_LOCAL_ONLY");
    expect(await codeOf(order(6, LOWER.replace("***", "another")))).toBe("CONFIG_SECRET");
    expect(await codeOf(order(6, LOWER.replace("010000A8900016F000169DC0", "010000A8900016F000169DC1")))).toBe(
      "CONFIG_SECRET",
    );
    expect(await codeOf({ ...order(6, LOWER), args: {} })).toBe("COMMAND_ARGUMENTS");
    expect(limit()).toBe(70);
    expect(await twin.order(order(6, LOWER), ONLINE)).toBe("later");
    expect(await twin.order(order(6, LOWER), ONLINE)).toBe("later");
    expect(await codeOf(order(7, KEPT))).toBe("CONFIG_BUSY");
  });

  test("that says what is in force restarts nothing, in whatever style it is written", async () => {
    const { twin } = await open(scratch());
    const value = parseDocumentText(KEPT).root;
    expect(contentHash(value)).toBe(hash(`${KEPT}\n# seen\n`));
    expect(await twin.order(order(1, `# other words\n${KEPT}`), ONLINE)).toMatchObject({
      value: { state: "unchanged" },
    });
    expect(twin.reported.isTrial).toBe(false);
  });

  test("gives way to an edit on the box, which is told and never overwritten", async () => {
    const folder = scratch();
    const first = await open(folder);
    await first.twin.order(order(1, LOWER), ONLINE);
    await run(first.twin, 0);
    const edited = SITE.replace("limitDb: 70", "limitDb: 72");
    const second = await open(folder, edited);
    expect(second.twin.reported).toMatchObject({ sha256: hash(edited), source: "file", revision: 1 });
    expect(second.log.lines).toMatchObject([{ fields: { code: "CONFIG_EDITED_HERE" } }]);
    // The edit is undone: what the bridge had sent long ago does not come back by itself.
    expect((await open(folder)).twin.reported.source).toBe("file");
    expect(await second.twin.order({ ...order(1, LOWER), id: "replayed" }, ONLINE)).toMatchObject({
      code: "CONFIG_DOWNGRADED",
    });
  });

  test("is told without its secrets", async () => {
    const { twin } = await open(scratch());
    const told = await twin.order({ ...order(1, LOWER), args: { read: true } }, ONLINE);
    const { deflated, sha256 } = (told as { value: { deflated: string; sha256: string } }).value;
    const text = inflateRawSync(Buffer.from(deflated, "base64")).toString();
    expect(text).not.toContain("wb40");
    expect(hash(text)).toBe(sha256);
    expect(sha256).toBe(hash(KEPT));
  });
});

describe("a node that dies", () => {
  test("at any step of a change has a whole config after it, old or new, and answers", async () => {
    let deaths = 0;
    for (const step of ["document-written", "state-written", "document-removed"] as const) {
      for (let left = 1; left < 20; left += 1) {
        const folder = scratch();
        const diesAt = { step, left };
        try {
          const { twin, give } = await open(folder, SITE, diesAt);
          await twin.answerBy(give);
          for (const [revision, text] of [LOWER, KEPT.replace("70", "74"), LOWER.replace("68", "69")].entries()) {
            await twin.order(order(revision + 1, text), ONLINE);
            await run(twin, revision === 1 ? Number.POSITIVE_INFINITY : 0);
            twin.stopped();
            await twin.answerBy(give);
          }
        } catch (error) {
          if (!(error instanceof Dead)) throw error;
        }
        if (diesAt.left > 0) break;
        deaths += 1;
        const after = await open(folder);
        const { sha256, isTrial, lastGood } = after.twin.reported;
        expect(isTrial).toBe(false);
        expect(lastGood).toBe(sha256);
        expect([70, 68, 69], `${step} ${left}`).toContain(after.limit());
        await after.twin.answerBy(after.give);
        for (const answer of after.answers) expect(answer.ok || answer.code === "CONFIG_REVERTED").toBe(true);
        // And it takes the next one.
        expect(await after.twin.order(order(9, KEPT.replace("70", "75")), ONLINE)).toBe("later");
      }
    }
    process.stderr.write(`deaths: ${deaths}\n`);
    expect(deaths).toBeGreaterThan(8);
  });

  test("while a config is tried goes back, and says so", async () => {
    const folder = scratch();
    const { twin } = await open(folder);
    await twin.order(order(1, LOWER), ONLINE);
    const after = await open(folder);
    expect(after.limit()).toBe(70);
    await after.twin.answerBy(after.give);
    expect(after.answers).toEqual([
      { ok: false, code: "CONFIG_REVERTED", message: "the node ended while it was tried" },
    ]);
    // The bridge asks again with the same command: it has the same answer, and nothing is tried twice.
    expect(await after.twin.order(order(1, LOWER), ONLINE)).toMatchObject({ code: "CONFIG_REVERTED" });
  });

  test("with a memory that nobody can read runs with the site's file", async () => {
    const folder = scratch();
    const { twin } = await open(folder);
    await twin.order(order(1, LOWER), ONLINE);
    await run(twin, 0);
    writeFileSync(join(folder, `${hash(LOWER)}.yaml`), LOWER.replace("68", "73"));
    const changed = await open(folder);
    expect(changed.limit()).toBe(70);
    expect(changed.log.lines).toMatchObject([{ fields: { code: "CONFIG_TWIN_BROKEN", cause: "CONFIG_HASH" } }]);
    writeFileSync(join(folder, "twin.json"), "{");
    expect((await open(folder)).limit()).toBe(70);
  });
});
