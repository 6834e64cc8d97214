import { expect, test, vi } from "vitest";
import { startTestApi } from "../../fakes/api-server.ts";
import { makeTestAuthority } from "../../fakes/node-identity.ts";
import { UPGRADE, visitRaw } from "../../fakes/raw-visitor.ts";

test("the API closes at once, whoever clings to it: before TLS, within a request, asking for more, hearing events", async () => {
  const api = await startTestApi(await makeTestAuthority());
  const { cookie = "" } = await api.as("viewer");
  const port = Number(new URL(api.url).port);
  const head = (...lines: string[]) => [...lines, "host: bridge", "", ""].join("\r\n");
  await visitRaw(port);
  await visitRaw(port, "GET / HTTP/1.1\r\nhost:", true);
  const asking = await visitRaw(port, head("GET / HTTP/1.1", ...UPGRADE), true);
  const hearing = await visitRaw(port, head("GET /api/v1/events HTTP/1.1", `cookie: ${cookie}`), true);
  await vi.waitFor(() =>
    expect([asking.heard(), hearing.heard()].map((text) => text.slice(9, 12))).toEqual(["200", "200"]),
  );
  const inTime = new Promise((resolve) => setTimeout(resolve, 3000, "still open"));
  expect(await Promise.race([api.close().then(() => "closed"), inTime])).toBe("closed");
});
