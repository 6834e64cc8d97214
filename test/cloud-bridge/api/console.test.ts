import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi } from "../../fakes/api-server.ts";
import { makeTestAuthority } from "../../fakes/node-identity.ts";
import { ODD_TARGETS, statusOf, UPGRADE } from "../../fakes/raw-visitor.ts";

let api: Awaited<ReturnType<typeof startTestApi>>;
beforeAll(async () => {
  api = await startTestApi(await makeTestAuthority());
});
afterAll(() => api.close());

test("before the console is built its address says how to build it; afterwards no restart is needed", async () => {
  expect((await api.client().ask("/desk")).text).toContain("scripts/setup");
  const folder = join(api.state, "console");
  mkdirSync(join(folder, "assets"), { recursive: true });
  writeFileSync(join(folder, "index.html"), "<title>console</title>");
  writeFileSync(join(folder, "assets", "main-4f2c.js"), "export {};");
  writeFileSync(join(folder, "whistle.svg"), "<svg/>");
  for (const path of ["/", "/desk", "/nodes/site-042", "/welcome"]) {
    const { status, text, headers } = await api.client().ask(path);
    expect([status, text, headers["cache-control"]], path).toEqual([200, "<title>console</title>", "no-cache"]);
    expect(headers["content-security-policy"]).toContain("default-src 'self'");
  }
  const asset = await api.client().ask("/assets/main-4f2c.js");
  expect([asset.status, asset.headers["cache-control"]]).toEqual([200, "public, max-age=31536000, immutable"]);
  expect((await api.client().ask("/whistle.svg")).headers["content-type"]).toContain("image/svg+xml");
});

test("nothing outside the console's folder is served, and an asset that is not there is no page", async () => {
  writeFileSync(join(api.state, "secret.txt"), "the bridge's own");
  for (const path of ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "/..%5csecret.txt"]) {
    const { text } = await api.client().ask(path);
    expect(text, path).not.toContain("the bridge's own");
  }
  expect((await api.client().ask("/assets/gone-1.js")).status).toBe(404);
  expect((await api.client().ask("/api/v1/gone")).json).toMatchObject({ code: "NOT_FOUND" });
});

test("whatever a request names, and as whatever it comes, it is a page or refused, and no fault of the bridge", async () => {
  const port = Number(new URL(api.url).port);
  for (const target of ODD_TARGETS) {
    for (const more of [[], UPGRADE]) {
      expect(await statusOf(port, target, more, true), target.slice(0, 40)).toBeOneOf([200, 400, 404, 431]);
    }
  }
});
