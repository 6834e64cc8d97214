import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { putUnit } from "../../../cloud-bridge/roster/units.ts";
import { browserTest, hasBrowser } from "../../fakes/browser-test.ts";
import { ConsoleRig, type Person } from "../../fakes/console-rig.ts";
import type { PaperNode } from "../../fakes/paper-node.ts";

const NODES = 1000;
const SITE = { name: "Guanghua Road block 7", latitudeDeg: 39.912, longitudeDeg: 116.456 };

let rig: ConsoleRig;
let meter: PaperNode;
beforeAll(async () => {
  if (!hasBrowser) return;
  rig = await ConsoleRig.start();
  meter = await rig.node("site-042", SITE);
  await fillFleet();
});
afterAll(async () => {
  await meter?.leave();
  await rig?.close();
});

/** Rows as ingest would have left them: the pages ask the real bridge over them. */
async function fillFleet(): Promise<void> {
  const { db } = rig.bridge.store;
  const nowMs = Date.now();
  await putUnit(db, { id: "west", name: "West street", level: "street" });
  await putUnit(db, { id: "east", name: "East street", level: "street" });
  const ids = Array.from({ length: NODES }, (_, index) => `box-${String(index).padStart(4, "0")}`);
  const health = (index: number) => ({
    ...{ rssBytes: 1.1e8, cpuPct: 2, journalBytes: 4e6, unsentRecords: index % 90, laneDepth: [0, 0, 0, 0, 0] },
    ...{ missedPolls: 0, eventLoopDelayP99Ms: 4, devices: { meter: "online" }, hoursToFull: 5 + index, rttMs: 40 },
  });
  const site = { time_zone: "Asia/Shanghai", created_at_ms: 1, source: "operator" };
  for (let from = 0; from < NODES; from += 200) {
    const some = ids.slice(from, from + 200).map((id, at) => ({ id, index: from + at }));
    await db
      .insertInto("sites")
      .values(
        some.map(({ index }) => ({
          ...site,
          id: `place-${index}`,
          name: `Place ${index}`,
          unit_id: index % 2 === 0 ? "west" : "east",
        })),
      )
      .execute();
    await db
      .insertInto("nodes")
      .values(
        some.map(({ id, index }) => ({
          ...{ id, site_id: `place-${index}`, created_at_ms: 1, online: index % 25 === 0 ? 0 : 1, state_at_ms: nowMs },
          ...{ version: index % 3 === 0 ? "0.2.0" : "0.1.0", config_sha256: String(index % 4).repeat(64) },
          ...{ health: JSON.stringify(health(index)), health_at_ms: nowMs - index * 50, time_quality: "ntp" },
        })),
      )
      .execute();
    const broken = { code: "MODBUS_TIMEOUT", message: "unit 1 gave no answer", hint: "Look at its wires A and B." };
    await db
      .insertInto("device_state")
      .values(
        some.map(({ id, index }) => ({
          ...{ node: id, device: "meter", driver: "modbus-noise", at_ms: nowMs },
          ...(index % 40 === 7
            ? { state: "offline", body: JSON.stringify({ state: "offline", sinceMs: 1, ...broken }) }
            : { state: "online", body: "{}", last_reading_at_ms: nowMs }),
        })),
      )
      .execute();
  }
}

browserTest(
  "a node's page orders with a word of one's own before what is grave, takes back what waits, and shows health and bindings",
  { timeout: 60_000 },
  async () => {
    const person = await rig.person("Keeper", "operator");
    const { page, complaints } = person;
    await page.goto(`${rig.bridge.url}/nodes/box-0000`);
    await page.locator("[data-order=restart]").click();
    await page.locator("dialog button[type=submit]").click();
    // The browser itself does not let the form go without it.
    expect(await page.locator("dialog[open]").count()).toBe(1);
    await page.locator("dialog input[type=checkbox]").check();
    await page.locator("dialog button[type=submit]").click();
    const order = page.locator("[data-order-kind=restart]");
    await order.and(page.locator("[data-order-state=waiting]")).waitFor();
    await order.locator("[data-order-cancel]").click();
    await page.locator("dialog button[type=submit]").click();
    await order.and(page.locator("[data-order-state=cancelled]")).waitFor();

    await page.goto(`${rig.bridge.url}/nodes/site-042`);
    await page.locator("[data-figure=cpu] svg").waitFor();
    await page.locator("[data-move=noise-01]").click();
    await page.locator("dialog select").selectOption("place-7");
    await page.locator("dialog input").evaluate("(field) => { field.value = ''; }");
    const soon = new Date(Date.now() + 8 * 3_600_000 + 60_000).toISOString().slice(0, 16);
    await page.locator("dialog input").fill(soon);
    await page.locator("dialog button[type=submit]").click();
    await page.getByRole("alert").getByText("BINDING_TIME").waitFor();
    await page.locator("dialog button[type=button]").first().click();
    expect(await page.locator("[data-binding=noise-01]").count()).toBe(1);
    await page.locator("[data-audit] code").first().waitFor();
    await shot(person, "node-en");
    expect(complaints).toEqual([]);
    await person.context.close();

    const dispatcher = await rig.person("Zhao", "dispatcher", { locale: "zh-CN", colorScheme: "light" });
    await dispatcher.page.goto(`${rig.bridge.url}/nodes/site-042`);
    await dispatcher.page.locator("[data-orders]").waitFor();
    expect(await dispatcher.page.locator("[data-order=restart], [data-audit], [data-move]").count()).toBe(0);
    await shot(dispatcher, "node-zh");
    expect(dispatcher.complaints).toEqual([]);
    await dispatcher.context.close();
  },
);

async function shot({ page }: Person, name: string): Promise<void> {
  const folder = process.env["SHAO_SCREENSHOTS"];
  if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

browserTest(
  "a thousand nodes: chosen, ordered and grouped by an address that can be sent to somebody, page by page, by keyboard",
  { timeout: 60_000 },
  async () => {
    const person = await rig.person("Sun Li", "operator");
    const { page, complaints } = person;
    const begunMs = performance.now();
    await page.goto(`${rig.bridge.url}/nodes`);
    await page.locator("[data-node=box-0000]").waitFor();
    const shownMs = performance.now();
    expect(await page.locator("[data-node]").count()).toBe(50);
    await shot(person, "fleet-en");

    const filterMs = performance.now();
    await page.locator("select[name=standing]").selectOption("attention");
    await page.locator("[data-node=box-0000]").waitFor({ state: "detached" });
    const filteredMs = performance.now() - filterMs;
    console.info(
      `a thousand nodes: rows after ${Math.round(shownMs - begunMs)} ms, a filter ${Math.round(filteredMs)} ms`,
    );
    await page.locator("[data-node=box-0007]").getByText("Look at its wires A and B.").waitFor();
    expect(await page.locator("[data-node]").count()).toBe(25);
    await page.locator("select[name=group]").selectOption("unit");
    await page.locator("[data-group=east]", { hasText: "25 nodes" }).waitFor();
    await page.locator("[data-sort=hoursToFull]").click();
    await page.waitForURL((url) => url.searchParams.get("sort") === "hoursToFull");
    await page.locator("[data-sort=hoursToFull]").click();
    await page.waitForURL((url) => url.searchParams.get("sort") === "-hoursToFull");
    const address = page.url();
    await page.locator("[data-node=box-0967]").waitFor();

    // Somebody else, in another language, sees the same by the address alone.
    const other = await rig.person("Li Na", "viewer", { locale: "zh-CN", colorScheme: "light" });
    await other.page.goto(address);
    await other.page.locator("[data-group=east]", { hasText: "节点 25" }).waitFor();
    const rows = (one: Person) =>
      one.page.locator("[data-node]").evaluateAll("(all) => all.map((row) => row.dataset.node)");
    expect(await rows(other)).toEqual(await rows(person));
    await shot(other, "fleet-zh");

    await page.goBack();
    await page.waitForURL((url) => url.searchParams.get("sort") === "hoursToFull");
    await page.keyboard.press("x");
    await page.waitForURL((url) => url.search === "");
    await page.locator("[data-node=box-0000]").waitFor();
    await page.keyboard.press("n");
    await page.locator("[data-node=box-0050]").waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("place 99");
    await page.locator("[data-node=box-0099]").waitFor();
    await expect.poll(() => page.locator("[data-node]").count()).toBe(11);
    await page.keyboard.press("Tab");
    await page.evaluate("document.activeElement.blur()");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname === "/nodes/box-0099");
    expect([...complaints, ...other.complaints]).toEqual([]);
    await other.context.close();
    await person.context.close();
  },
);
