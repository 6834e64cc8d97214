import { spawnSync } from "node:child_process";
import fastify from "fastify";
import { expect, test } from "vitest";
import type { ApiContext } from "../../../cloud-bridge/api/context.ts";
import { open311Routes } from "../../../cloud-bridge/api/routes/open311.ts";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import { DISPATCHER, deskRig, newKey } from "../../fakes/desk-rig.ts";

async function offered() {
  const rig = await deskRig();
  await rig.db.updateTable("sites").set({ name: "Block 7 <A&B>" }).where("id", "=", "block-7").execute();
  await rig.receive(noiseRevision({ nowMs: rig.clock.nowMs() }));
  await rig.desk.tick();
  const apps = { open: fastify(), keyed: fastify() };
  const about = { jurisdictionId: "chaoyang.example", maxDays: 90 };
  const context = { store: rig.store, clock: rig.clock } as unknown as ApiContext;
  open311Routes(apps.open, { ...context, open311: about });
  open311Routes(apps.keyed, { ...context, open311: { ...about, key: "a key of this test" } });
  const ask = async (path: string, of: keyof typeof apps = "open") => {
    const { statusCode, body, headers } = await apps[of].inject(`/open311/v2${path}`);
    const json: unknown = body.startsWith("[") ? JSON.parse(body) : undefined;
    return { status: statusCode, body, type: headers["content-type"], json };
  };
  return { rig, ask };
}

test("services and requests are read as GeoReport v2 has them, as JSON and as XML that another parser takes", async () => {
  const { rig, ask } = await offered();
  const services = await ask("/services.json?jurisdiction_id=chaoyang.example");
  expect(services.json).toContainEqual(
    expect.objectContaining({ service_code: "noise", metadata: false, type: "realtime" }),
  );
  // An officer in need is no public service.
  expect(services.body).not.toContain("officer-emergency");
  const { json } = await ask("/requests.json");
  expect(json).toHaveLength(1);
  const [first] = json as [{ service_request_id: string }];
  expect(first).toMatchObject({
    ...{ status: "open", service_code: "noise", address: "Block 7 <A&B>", lat: 39.912, long: 116.456 },
    requested_datetime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
  });
  const one = await ask(`/requests/${first.service_request_id}.xml`);
  expect(one.type).toContain("text/xml");
  const parser =
    "import sys, xml.etree.ElementTree as e; r = e.fromstring(sys.stdin.buffer.read()); print(r.tag, r[0].find('address').text)";
  const parsed = spawnSync("/usr/bin/python3", ["-c", parser], { input: one.body });
  expect(parsed.stdout.toString().trim()).toBe("service_requests Block 7 <A&B>");

  const { case: facts } = await rig.theCase();
  await rig.desk.actOnCase(DISPATCHER, facts.id, { act: "false-alarm", cause: "a test" }, newKey());
  expect((await ask("/requests.json?status=open")).json).toEqual([]);
  expect((await ask("/requests.json?status=closed&service_code=noise")).json).toMatchObject([{ status: "closed" }]);
  expect((await ask("/requests.json?service_code=spillage")).json).toEqual([]);
  expect((await ask("/requests.json?start_date=2020-01-01T00:00:00Z&end_date=2020-02-01T00:00:00Z")).json).toEqual([]);
});

test("what cannot be answered is refused in the standard's form", async () => {
  const { ask } = await offered();
  expect(await ask("/requests/999.json")).toMatchObject({ status: 404, json: [{ code: 404 }] });
  expect(await ask("/services/none.json")).toMatchObject({ status: 404 });
  expect(await ask("/requests.json?jurisdiction_id=elsewhere")).toMatchObject({ status: 404 });
  expect(await ask("/requests.json?status=lost")).toMatchObject({ status: 400 });
  expect(await ask("/requests.json?start_date=2020-01-01T00:00:00Z")).toMatchObject({ status: 400 });
  expect(await ask("/requests.json?start_date=yesterday")).toMatchObject({ status: 400 });
  expect((await ask("/requests/x.xml")).body).toContain("<errors><error><code>400</code>");
  expect(await ask("/requests.json", "keyed")).toMatchObject({ status: 403 });
  expect(await ask("/requests.json?api_key=a+key+of+this+test", "keyed")).toMatchObject({ status: 200 });
  // As many letters, and more bytes.
  expect(await ask("/requests.json?api_key=a+key+of+this+tes%C3%A9", "keyed")).toMatchObject({ status: 403 });
  expect(await ask("/requests.json?api_key=a&api_key=b", "keyed")).toMatchObject({ status: 403 });
  expect(await ask("/requests.json?status=open&status=closed")).toMatchObject({ status: 200 });
});
