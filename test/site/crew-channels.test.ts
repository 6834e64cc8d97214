import { createHmac, randomUUID } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { CaseDetail } from "../../cloud-bridge/api/schema/desk.ts";
import type { NoticeView } from "../../cloud-bridge/api/schema/notices.ts";
import { DRIVERS } from "../../drivers/registry.ts";
import { startRadioSimulator } from "../../drivers/tetra-pei/simulator.ts";
import { checkGatewayConfig } from "../../gateway/config/load-gateway-config.ts";
import { enroll } from "../../gateway/identity/enroll.ts";
import { writeIdentity } from "../../gateway/identity/identity-files.ts";
import { startGateway } from "../../gateway/main.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { bridgeConfigFor, signInBy, startTestBridge } from "../fakes/running-bridge.ts";

const SOON = { timeout: 60_000, interval: 100 };
const SECRET = "a secret of this test, long enough";

test("a case reaches its crew in the vehicle and by radio, what the crew does comes back, and a city hears of it", {
  timeout: 180_000,
}, async () => {
  const radio = await startRadioSimulator({ listen: { tcp: {} }, issi: "1001", handsets: ["2002"] });
  onTestFinished(() => radio.close());
  const heard: string[] = [];
  const city = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    request.on("end", () => {
      const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(request.headers["shao-signature"])) ?? [];
      const isOurs = createHmac("sha256", SECRET).update(`${t}.${text}`).digest("hex") === v1;
      heard.push(isOurs ? (JSON.parse(text) as { type: string }).type : "forged");
      // The first try finds it restarting.
      response.writeHead(heard.length === 1 ? 503 : 204).end();
    });
  });
  await new Promise<void>((resolve) => city.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void city.close());

  const state = mkdtempSync(join(tmpdir(), "shao-bridge-"));
  writeFileSync(join(state, "hook.key"), SECRET);
  const bridge = await startTestBridge(
    bridgeConfigFor(
      state,
      `dispatch: { policy: propose }
channels:
  radio: { node: centre, device: radio, language: en, statuses: { 32772: acknowledge, 32774: on-scene } }
  webhooks:
    city:
      url: http://127.0.0.1:${(city.address() as AddressInfo).port}/
      secretFile: ${join(state, "hook.key")}
      events: [assignment.assigned]
`,
    ),
  );
  onTestFinished(() => bridge.close());
  const desk = await signInBy(bridge, bridge.adminLink ?? "");
  const post = async (path: string, body: unknown) => {
    const answer = await desk.post(`/api/v1${path}`, body, { "idempotency-key": randomUUID() });
    if (answer.status >= 300) throw new Error(`${path}: ${answer.text}`);
    return answer.json;
  };
  const box = async (node: string, more: string) => {
    const { token } = (await post("/nodes", { node })) as { token: string };
    const folder = mkdtempSync(join(tmpdir(), `shao-${node}-`));
    writeIdentity(folder, await enroll(bridge.url, token));
    const text = `node: ${node}\nbridge: { url: "${bridge.mqttUrl}" }\nstate: ${JSON.stringify(folder)}\n${more}`;
    const checked = await checkGatewayConfig(Buffer.from(text), DRIVERS);
    if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
    const told: string[] = [];
    const tell = (said: string) => void told.push(said);
    const gateway = await startGateway({ config: checked.config, version: "test", log: new QuietLog(), tell });
    onTestFinished(() => gateway.stop());
    return { gateway, pin: /PIN (\d{4} \d{4})/.exec(told.join(""))?.[1] ?? "" };
  };
  const car = await box("car-a", "page: { port: 0 }\n");
  await box("centre", `devices: { radio: { driver: tetra-pei, tcp: "127.0.0.1:${radio.port}" } }\n`);
  await post("/units", { id: "street", name: "Hujialou street", level: "street" });
  await post("/crews", { id: "crew-a", name: "Crew A", unitId: "street", vehicleNode: "car-a" });
  await post("/crews", { id: "crew-b", name: "Crew B", unitId: "street", radioIssi: "2002" });
  const open = async (externalId: string, title: string, latitudeDeg: number) => {
    const position = { latitudeDeg, longitudeDeg: 116.456 };
    const report = { source: "hotline", externalId, channel: "order", title, category: "street-stall", position };
    return ((await post("/reports", report)) as { caseId: string }).caseId;
  };
  const caseOf = async (id: string) => (await desk.ask(`/api/v1/cases/${id}`)).json as CaseDetail;
  const becomes = (id: string, wanted: string) =>
    vi.waitFor(async () => expect((await caseOf(id)).case.state).toBe(wanted), SOON);

  // To the vehicle, whose page has the buttons.
  const first = await open("1", "Stalls at the gate", 39.912);
  await post(`/cases/${first}/acts`, { act: "assign", crewId: "crew-a", cause: "nearest" });
  let cookie = "";
  const page = async (path: string, body?: unknown) => {
    const answer = await fetch(`http://127.0.0.1:${car.gateway.pagePort}${path}`, {
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      headers: { "content-type": "application/json", cookie },
    });
    cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? cookie;
    return (await answer.json()) as { assignments?: { assignmentId: string; state: string; title: string }[] };
  };
  await page("/api/session", { pin: car.pin });
  const assignmentId = await vi.waitFor(async () => {
    const { assignments = [] } = await page("/api/state");
    expect(assignments).toMatchObject([{ state: "assigned", title: "Stalls at the gate" }]);
    return assignments[0]?.assignmentId ?? "";
  }, SOON);
  await page("/api/act", { assignmentId, act: "acknowledge" });
  await page("/api/act", { assignmentId, act: "en-route" });
  await becomes(first, "en-route");
  const { timeline } = await caseOf(first);
  expect(timeline.filter(({ channel }) => channel === "vehicle-page").map(({ kind }) => kind)).toEqual([
    ...["notified", "acknowledge", "en-route"],
  ]);
  expect(timeline.find(({ kind }) => kind === "acknowledge")?.detail).toMatchObject({ signature: "good" });

  // By radio, with the network's proof; the handset's statuses are acts.
  const second = await open("2", "Stalls at the market", 39.96);
  await post(`/cases/${second}/acts`, { act: "assign", crewId: "crew-b", cause: "nearest" });
  await vi.waitFor(() => expect(radio.sent.map(({ text }) => text).join()).toContain("Stalls at the market"), SOON);
  radio.status("2002", 32_772);
  await becomes(second, "acknowledged");
  radio.status("2002", 32_774);
  await becomes(second, "on-scene");

  // Everybody was told once, and the outbox says how it knows.
  await vi.waitFor(async () => {
    const { items } = (await desk.ask("/api/v1/notices?state=delivered")).json as { items: NoticeView[] };
    const proofs = items.map(({ channel, deliveredTo }) => `${channel} ${deliveredTo}`);
    expect(proofs).toEqual(
      expect.arrayContaining(["vehicle node:car-a", "radio-text issi:2002 received", "webhook:city http 204"]),
    );
  }, SOON);
  expect(heard.filter((type) => type !== "assignment.assigned")).toEqual([]);
  expect(heard.length).toBeGreaterThanOrEqual(3);
});
