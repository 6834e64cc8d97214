import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { extname, join } from "node:path";
import type { Account } from "../../cloud-bridge/api/schema/common.ts";
import type { AssignmentState, CaseAct, CaseDetail, CaseState, CrewAct } from "../../cloud-bridge/api/schema/desk.ts";
import type { EventName, EventOf } from "../../cloud-bridge/api/schema/events.ts";
import { type City, entry, levelAt, makeCity, minuteOf } from "./city-data.ts";

const DIST = join(import.meta.dirname, "../../cloud-bridge/console/dist");
const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".html": "text/html; charset=utf-8",
};
const MOVES: Readonly<Record<CrewAct["act"], readonly [AssignmentState, CaseState]>> = {
  acknowledge: ["acknowledged", "acknowledged"],
  decline: ["declined", "open"],
  "en-route": ["en-route", "en-route"],
  "on-scene": ["on-scene", "on-scene"],
  resolved: ["done", "verifying"],
};

export interface FakeBridge {
  readonly url: string;
  readonly city: City;
  close(): Promise<void>;
}

/**
 * The shapes of the bridge's API with an invented city behind them: for looking at the pages before a bridge runs, never a
 * proof of anything. Sign in as dispatcher, operator, admin or crew with any password.
 */
export async function startFakeBridge(port = 0): Promise<FakeBridge> {
  const city = makeCity(Date.now());
  const accounts = new Map<string, Account>();
  const streams = new Map<string, ServerResponse>();
  const live = new Map<string, NodeJS.Timeout>();
  let eventId = 0;

  const tell = <N extends EventName>(name: N, data: EventOf<N>, only?: ServerResponse): void => {
    const isTransient = name === "welcome" || name === "live" || name === "presence";
    const id = isTransient ? "" : `id: ${++eventId}\n`;
    for (const stream of only ? [only] : streams.values()) {
      stream.write(`event: ${name}\n${id}data: ${JSON.stringify(data)}\n\n`);
    }
  };

  const move = (detail: CaseDetail, state: CaseState, kind: string, who: Account, rest: object = {}): void => {
    const nowMs = Date.now();
    const channel = who.role === "crew" ? "crew-page" : "console";
    const added = entry(detail.timeline.length + 1, kind, nowMs, { actor: who.name, channel, ...rest });
    detail.timeline.push(added);
    const { autoDispatchAtMs: _, ...view } = detail.case;
    detail.case = { ...view, state, updatedAtMs: nowMs };
    tell("case", { case: detail.case, entry: added });
  };

  const actOnCase = (detail: CaseDetail, act: CaseAct, who: Account): void => {
    if (act.act === "assign") {
      const crewName = city.crews.find(({ id }) => id === act.crewId)?.name ?? act.crewId;
      const assignment = {
        id: randomUUID(),
        caseId: detail.case.id,
        crewId: act.crewId,
        crewName,
        state: "assigned" as const,
        distanceM: 1270,
        assignedAtMs: Date.now(),
      };
      detail.assignments.push(assignment);
      detail.case = { ...detail.case, assignment };
      move(detail, "assigned", "assigned", who);
      tell("assignment", { assignment, case: detail.case });
      return;
    }
    const states: Partial<Record<CaseAct["act"], CaseState>> = {
      suspend: "suspended",
      resume: "open",
      "false-alarm": "false-alarm",
      "close-unverified": "closed-unverified",
      "close-event": "closed",
      reopen: "open",
      withdraw: "open",
    };
    move(detail, states[act.act] ?? detail.case.state, act.act, who, "cause" in act ? { cause: act.cause } : {});
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      json(response, 500, { type: "about:blank", title: String(error), status: 500, code: "INTERNAL_ERROR" });
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    response.setHeader(
      "content-security-policy",
      "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
    if (!pathname.startsWith("/api/v1/")) return file(pathname, response);
    const parts = pathname.slice("/api/v1/".length).split("/").map(decodeURIComponent);
    const body = request.method === "POST" ? ((await readJson(request)) as Record<string, unknown>) : {};
    const route = `${request.method} ${parts[0]}`;
    if (route === "POST session" || route === "POST welcome") {
      const name = String(body["name"] ?? "admin");
      const role = (["admin", "operator", "dispatcher", "crew"] as const).find((known) => known === name);
      if (!role) {
        const problem = { type: "about:blank", title: "Forbidden", status: 403, code: "SIGN_IN_REFUSED" };
        return json(response, 403, problem);
      }
      const names = { admin: "Admin", operator: "Sun Li", dispatcher: "Zhang Wei", crew: "Liu Yang" };
      const account: Account = {
        id: role,
        name: names[role],
        role,
        ...(role === "crew" ? { crewId: "crew-hujialou-2" } : {}),
      };
      accounts.set(role, account);
      response.setHeader("set-cookie", `shao=${role}; Path=/; HttpOnly; SameSite=Strict`);
      return json(response, 200, account);
    }
    const who = accounts.get(/shao=(\w+)/.exec(request.headers.cookie ?? "")?.[1] ?? "");
    if (!who)
      return json(response, 401, { type: "about:blank", title: "Unauthorized", status: 401, code: "SIGNED_OUT" });
    const detail = city.cases.get(parts[1] ?? "");
    switch (route) {
      case "GET session":
        return json(response, 200, who);
      case "DELETE session":
        response.setHeader("set-cookie", "shao=; Path=/; Max-Age=0");
        return json(response, 204, undefined);
      case "GET events": {
        const client = randomUUID();
        response.writeHead(200, { "content-type": "text/event-stream" });
        streams.set(client, response);
        response.on("close", () => streams.delete(client));
        return tell("welcome", { client, nowMs: Date.now() }, response);
      }
      case "GET cases":
        if (detail) return json(response, 200, detail);
        return json(response, 200, { items: [...city.cases.values()].map((item) => item.case) });
      case "POST cases":
        if (!detail) break;
        actOnCase(detail, body as CaseAct, who);
        return json(response, 200, detail.case);
      case "POST assignments":
        return json(response, 200, actOnAssignment(parts[1] ?? "", body as CrewAct, who));
      case "GET crews":
        return json(response, 200, { items: city.crews });
      case "GET units":
        return json(response, 200, { items: [{ id: "hujialou", name: "Hujialou street", level: "street" }] });
      case "GET sites":
        return json(response, 200, { items: city.sites });
      case "GET nodes":
        return node(parts, searchParams, response);
      case "POST nodes":
        if (parts[2] === "live") return lease(parts[1] ?? "", String(body["device"]), String(body["client"]), response);
        return json(response, 201, {
          node: String(body["node"]),
          token: "demo",
          expiresAtMs: Date.now() + 3_600_000,
          command: "shao enroll https://bridge.example:8443 shao1.c2l0ZS0wNDI.5f3a9b0c7d1e4f6a8b2c9d0e1f3a5b7c",
        });
      case "POST crews":
      case "POST units":
      case "POST rosters":
        return json(response, 200, body);
    }
    json(response, 404, { type: "about:blank", title: "Not Found", status: 404, code: "NOT_FOUND" });
  }

  function actOnAssignment(id: string, act: CrewAct, who: Account) {
    for (const detail of city.cases.values()) {
      if (detail.case.assignment?.id !== id) continue;
      const [state, caseState] = MOVES[act.act];
      const assignment = { ...detail.case.assignment, state };
      detail.case = { ...detail.case, assignment };
      move(detail, caseState, caseState === "open" ? "declined" : caseState, who, { deviceTimeMs: act.deviceTimeMs });
      tell("assignment", { assignment, case: detail.case });
      return assignment;
    }
    return undefined;
  }

  function node(parts: string[], query: URLSearchParams, response: ServerResponse): void {
    const found = city.nodes.find(({ id }) => id === parts[1]);
    if (!found || parts[2] !== "levels") {
      const accounting = {
        node: found?.id,
        total: found?.accounting,
        settled: { runs: 0, stored: 0, declared: 0 },
        runs: city.runs,
      };
      json(response, 200, parts[2] === "accounting" ? accounting : (found ?? { items: city.nodes }));
      return;
    }
    const nowMs = Date.now();
    const fromMs = Math.ceil(Number(query.get("fromMs")) / 60_000) * 60_000;
    const toMs = Math.min(nowMs, Number(query.get("toMs")));
    const minutes = [];
    for (let at = fromMs; at < toMs - 1000; at += 60_000) minutes.push(minuteOf(at, loudFromMs(found.id), nowMs));
    json(response, 200, { quantity: "LAF", minutes });
  }

  const loudFromMs = (nodeId: string): number =>
    (city.cases.get(nodeId === "site-042" ? "c-1042" : "")?.case.openedAtMs ?? Number.POSITIVE_INFINITY) - 10_000;

  function lease(nodeId: string, device: string, client: string, response: ServerResponse): void {
    const key = `${client} ${nodeId} ${device}`;
    const stream = streams.get(client);
    if (stream && !live.has(key)) {
      const timer = setInterval(() => {
        const atMs = Date.now();
        const level = { atMs, levelDb: levelAt(atMs, loudFromMs(nodeId)), flags: [] };
        tell("live", { node: nodeId, device, level }, stream);
      }, 1000);
      live.set(key, timer);
      stream.on("close", () => clearInterval(timer));
    }
    json(response, 200, { untilMs: Date.now() + 60_000 });
  }

  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    city,
    async close() {
      for (const timer of live.values()) clearInterval(timer);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function file(pathname: string, response: ServerResponse): Promise<void> {
  const name = extname(pathname) === "" ? "/index.html" : pathname;
  try {
    const bytes = await readFile(join(DIST, name));
    response.writeHead(200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream" }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
