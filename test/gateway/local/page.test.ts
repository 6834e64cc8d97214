import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { Door } from "../../../gateway/local/page/door.ts";
import { Pin } from "../../../gateway/local/page/pin.ts";
import { startPagedGateway } from "../../fakes/paged-gateway.ts";
import { registerMeter } from "../../fakes/register-meter.ts";

const SOON = { timeout: 30_000, interval: 50 };

async function gateway(state: string, meterPort: number, host = "127.0.0.1") {
  const text = `
node: car-7
bridge: { url: "mqtt://127.0.0.1:1", insecureLoopback: true }
state: ${JSON.stringify(state)}
page: { host: "${host}", port: 0 }
health: { port: 0 }
buses: { rs485: { tcp: "127.0.0.1:${meterPort}", framing: tcp } }
devices:
  noise-01: { driver: modbus-noise, bus: rs485, unit: 1, profile: sonbest-sm7901b, periodMs: 500, timeoutMs: 150 }
`;
  return startPagedGateway(text);
}

/** A browser as far as the page is concerned. */
function visitor(port: number) {
  let cookie = "";
  const base = `http://127.0.0.1:${port}`;
  return {
    async ask(path: string, body?: unknown, headers: Record<string, string> = {}) {
      const answer = await fetch(base + path, {
        ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
        headers: { "content-type": "application/json", cookie, ...headers },
      });
      const set = answer.headers.get("set-cookie");
      if (set !== null) cookie = set.split(";")[0] ?? "";
      return {
        status: answer.status,
        set,
        headers: answer.headers,
        json: (await answer.json()) as Record<string, never>,
      };
    },
    page: (path: string) => fetch(base + path),
  };
}

test("a page whose PIN cannot be kept keeps no meter from being read, and says so", async () => {
  const state = mkdtempSync(join(tmpdir(), "shao-page-"));
  // What stands where its folder should be.
  writeFileSync(join(state, "local"), "");
  const meterPort = await registerMeter(() => 612);
  const { healthPort, log } = await gateway(state, meterPort);
  const health = async () => (await fetch(`http://127.0.0.1:${healthPort}/health`)).json();
  await vi.waitFor(
    async () => expect(await health()).toMatchObject({ devices: { "noise-01": { state: "online" } } }),
    SOON,
  );
  expect(log.lines.map(({ sentence }) => sentence)).toContain("there is no local page");
});

test("the page opens to who has the PIN that was said once, and then shows the box without any cloud", async () => {
  const state = mkdtempSync(join(tmpdir(), "shao-page-"));
  const meterPort = await registerMeter(() => 612);
  const { port, healthPort, told, log, stop } = await gateway(state, meterPort);
  const pin = /PIN (\d{4} \d{4})/.exec(told.join(""))?.[1] ?? "";
  expect(pin).not.toBe("");
  // It stands in no log and in no file.
  const digits = pin.replace(" ", "");
  expect(JSON.stringify(log.lines)).not.toMatch(new RegExp(`${pin}|${digits}`));
  for (const name of readdirSync(join(state, "local"))) {
    expect(readFileSync(join(state, "local", name), "utf8")).not.toContain(digits);
  }

  // Who looks for it at the port of the health page is told where it is.
  const lost = await fetch(`http://127.0.0.1:${healthPort}/`);
  expect([lost.status, await lost.text()]).toEqual([404, expect.stringContaining(`is http://127.0.0.1:${port}\n`)]);

  const phone = visitor(port);
  const first = await phone.page("/");
  expect(first.headers.get("content-security-policy")).toContain("default-src 'self'");
  const html = await first.text();
  // Everything comes from the box: no other address stands in what it serves.
  const parts = await Promise.all(
    ["/page.js", "/assignment.js", "/parts.js", "/words.js", "/page.css"].map((path) => phone.page(path)),
  );
  for (const part of parts) expect(part.status).toBe(200);
  const served = [html, ...(await Promise.all(parts.map((part) => part.text())))].join("\n");
  expect(served.match(/https?:\/\/[^\s"'`)]+/gu)).toEqual(["http://www.w3.org/2000/svg", "http://www.w3.org/2000/svg"]);

  for (const path of ["/api/state", "/api/logs", "/api/diagnostics"]) {
    expect((await phone.ask(path)).json).toMatchObject({ code: "PAGE_SIGNED_OUT" });
  }
  for (const path of ["/api/act", "/api/test-alarm"]) {
    expect((await phone.ask(path, {})).json).toMatchObject({ code: "PAGE_SIGNED_OUT" });
  }
  expect((await phone.ask("/api/session", { pin: "1" })).json).toMatchObject({ code: "PAGE_PIN" });
  const foreign = await phone.ask("/api/session", { pin }, { origin: "https://elsewhere.example" });
  expect(foreign.json).toMatchObject({ code: "PAGE_FOREIGN" });
  const entered = await phone.ask("/api/session", { pin });
  expect(entered.status).toBe(200);
  expect(entered.set).toMatch(/HttpOnly; SameSite=Strict/);

  const seen = await vi.waitFor(async () => {
    const { json } = await phone.ask("/api/state");
    expect(json).toMatchObject({ levels: [{ device: "noise-01" }], uplink: { isConnected: false, error: {} } });
    return json;
  }, SOON);
  expect(seen).toMatchObject({
    node: "car-7",
    devices: [{ id: "noise-01", driver: "modbus-noise", state: "online" }],
    time: { quality: expect.any(String) },
    journal: { unreceipted: expect.any(Number) },
    evidence: { count: 0 },
    assignments: [],
  });

  // An alarm that is only a test: in the journal like any other, and it ends.
  expect((await phone.ask("/api/test-alarm", {})).json).toMatchObject({ alarmId: expect.any(String) });
  expect((await phone.ask("/api/test-alarm", {})).json).toMatchObject({ code: "TEST_ALARM_SOON" });
  const { json: after } = await phone.ask("/api/state");
  expect(after).toMatchObject({
    alarms: [{ rule: "test", isOpen: true, permit: "test" }],
    journal: { laneDepth: expect.arrayContaining([1]) },
  });
  const lines = (await phone.ask("/api/logs?since=0")).json as unknown as { lines: { sentence: string }[] };
  expect(lines.lines.map(({ sentence }) => sentence)).toContain("gateway started");
  await stop();

  // The PIN outlives restarts and is not said again; another one is made only when somebody asks for it.
  const again = await gateway(state, meterPort);
  // The test that its end cut off is over; nobody at the bridge waits for it for ever.
  expect(again.told).toEqual([]);
  const tablet = visitor(again.port);
  expect((await tablet.ask("/api/session", { pin })).status).toBe(200);
  expect((await tablet.ask("/api/state")).json).toMatchObject({ alarms: [{ rule: "test", isOpen: false }] });
  await again.stop();
  Pin.forget(state);
  expect((await Pin.open(state)).fresh).toMatch(/^\d{8}$/);
});

test("off loopback it is served with TLS only, by a certificate whose fingerprint is said with the PIN", async () => {
  const { port, told } = await gateway(
    mkdtempSync(join(tmpdir(), "shao-page-")),
    await registerMeter(() => 612),
    "0.0.0.0",
  );
  const said = /SHA-256 ([0-9a-f]{64})/.exec(told.join(""))?.[1];
  const shown = await new Promise<string>((resolve, reject) => {
    const call = request(
      { host: "127.0.0.1", port, path: "/", rejectUnauthorized: false },
      (answer: IncomingMessage) => {
        const { socket } = answer as unknown as { socket: { getPeerCertificate(): { fingerprint256: string } } };
        resolve(socket.getPeerCertificate().fingerprint256.replaceAll(":", "").toLowerCase());
        answer.destroy();
      },
    );
    call.once("error", reject);
    call.end();
  });
  expect(shown).toBe(said);
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
});

test("whoever guesses waits ever longer, and nobody is let in by a session that has ended", async () => {
  let upMs = 0;
  const door = new Door(
    async (given) => given === "right",
    () => upMs,
  );
  for (let n = 0; n < 5; n += 1) expect(await door.enter("wrong")).toEqual({ waitMs: 0 });
  expect(await door.enter("right")).toEqual({ waitMs: 5000 });
  upMs += 5001;
  expect(await door.enter("wrong")).toEqual({ waitMs: 0 });
  expect(await door.enter("right")).toEqual({ waitMs: 10_000 });
  upMs += 10_001;
  const entered = await door.enter("right");
  if (!("secret" in entered)) throw new Error("not let in");
  expect(door.isInside(entered.secret)).toBe(true);
  expect(door.isInside(`${entered.secret.slice(1)}x`)).toBe(false);
  upMs += 12 * 3600_000;
  expect(door.isInside(entered.secret)).toBe(false);
});
