import { readFileSync } from "node:fs";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { CrewActName } from "../../../protocol/assignment.ts";
import { GatewayError } from "../../contracts/gateway-error.ts";
import type { Logger } from "../../contracts/logger.ts";
import type { PageCertificate } from "./certificate.ts";
import type { Door } from "./door.ts";
import { LiveSocket } from "./live-socket.ts";
import type { PageSource } from "./page-source.ts";

const MOST_BODY_BYTES = 4096;
const TLS = { minVersion: "TLSv1.2", handshakeTimeout: 5000 } as const;
const COOKIE = "shao-box";
const STATIC = join(import.meta.dirname, "static");
const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/page.js": ["page.js", "text/javascript; charset=utf-8"],
  "/assignment.js": ["assignment.js", "text/javascript; charset=utf-8"],
  "/cameras.js": ["cameras.js", "text/javascript; charset=utf-8"],
  "/live-player.js": ["live-player.js", "text/javascript; charset=utf-8"],
  "/mpeg1-player.js": ["mpeg1-player.js", "text/javascript; charset=utf-8"],
  "/parts.js": ["parts.js", "text/javascript; charset=utf-8"],
  "/words.js": ["words.js", "text/javascript; charset=utf-8"],
  "/page.css": ["page.css", "text/css; charset=utf-8"],
};
/** The decoder of MPEG-1 brings a style for buttons that we do not show, at first empty: both are let in by their hashes. */
const DECODER_STYLE =
  "'sha256-lRyplcblLyRa4o+ZUBNzXETDGwKXzgKgrWbiYOwfTLg=' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='";
const HEADERS = {
  "content-security-policy": `default-src 'self'; style-src 'self' ${DECODER_STYLE}; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};

const PinBody = Type.Object({ pin: Type.String({ minLength: 1, maxLength: 64 }) });
const ActBody = Type.Object({
  assignmentId: Type.String({ minLength: 1, maxLength: 64 }),
  act: CrewActName,
  cause: Type.Optional(Type.String({ minLength: 1, maxLength: 300 })),
});

export interface PageServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Absent: plain, for loopback only. */
  readonly certificate?: PageCertificate;
  readonly door: Door;
  readonly source: PageSource;
  readonly log: Logger;
}

export interface PageServer {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws GatewayError PAGE_PORT */
export async function startPageServer(options: PageServerOptions): Promise<PageServer> {
  const { host, port, certificate, log } = options;
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    serve(options, request, response).catch((error: unknown) => {
      const isKnown = error instanceof GatewayError;
      if (!isKnown) log.error({ code: "PAGE_FAULT", error: String(error) }, "local page not served");
      const { code, message, hint } = isKnown
        ? error
        : { code: "PAGE_FAULT", message: "this could not be done", hint: "See the gateway's log." };
      json(response, isKnown ? 409 : 500, { code, message, hint });
    });
  };
  // As in local-server.ts: an import of these would load Node's WebSocket client.
  const server: Server =
    certificate === undefined
      ? process.getBuiltinModule("node:http").createServer(onRequest)
      : process.getBuiltinModule("node:https").createServer({ ...certificate, ...TLS }, onRequest);
  const sockets = new LiveSocket(server, {
    live: () => options.source.live(),
    isInside: (request) => options.door.isInside(secretOf(request)),
    isOwnPage: isOfThisBox,
    log,
  });
  server.headersTimeout = 5000;
  server.requestTimeout = 10_000;
  server.maxConnections = 50;
  const connections = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, host, resolve);
  await promise.catch((cause: Error) => {
    throw new GatewayError("PAGE_PORT", `the local page cannot listen on ${host}:${port}: ${cause.message}`, {
      hint: "Another program has the port: choose another one under `page.port`. The node measures without its page.",
      cause,
    });
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    close() {
      sockets.close();
      const closed = new Promise<void>((done) => server.close(() => done()));
      // Those that were upgraded and those that have not begun TLS the server does not know.
      for (const socket of connections) socket.destroy();
      return closed;
    },
  };
}

async function serve(options: PageServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { door, source, certificate } = options;
  const url = URL.parse(request.url ?? "/", "http://box");
  if (url === null) return json(response, 400, refusal("PAGE_REQUEST", "this is no address of a page"));
  const file = FILES[url.pathname];
  if (request.method === "GET" && file !== undefined) {
    const [name, type] = file;
    response.writeHead(200, { ...HEADERS, "content-type": type }).end(readFileSync(join(STATIC, name)));
    return;
  }
  if (request.method === "GET" && url.pathname === "/jsmpeg.js") {
    const script = readFileSync(fileURLToPath(import.meta.resolve("@cycjimmy/jsmpeg-player")));
    response.writeHead(200, { ...HEADERS, "content-type": "text/javascript; charset=utf-8" }).end(script);
    return;
  }
  const isPost = request.method === "POST";
  if (isPost && !isOwnPage(request))
    return json(response, 403, refusal("PAGE_FOREIGN", "another page may not act here"));
  const secret = secretOf(request);
  const what = `${request.method} ${url.pathname}`;
  if (what === "POST /api/session") {
    const { pin } = await body(request, PinBody);
    const entered = await door.enter(pin);
    if ("secret" in entered) {
      const safe = certificate === undefined ? "" : "; Secure";
      response.setHeader("set-cookie", `${COOKIE}=${entered.secret}; Path=/; HttpOnly; SameSite=Strict${safe}`);
      return json(response, 200, { ok: true });
    }
    if (entered.waitMs === 0) return json(response, 403, refusal("PAGE_PIN", "this is not the PIN"));
    response.setHeader("retry-after", Math.ceil(entered.waitMs / 1000));
    return json(response, 429, { ...refusal("PAGE_PIN_WAIT", "too many wrong PINs"), waitMs: entered.waitMs });
  }
  if (!door.isInside(secret)) return json(response, 401, refusal("PAGE_SIGNED_OUT", "enter the PIN of this box"));
  switch (what) {
    case "DELETE /api/session":
      door.leave(secret);
      return json(response, 200, { ok: true });
    case "GET /api/state": {
      const state = await source.state();
      json(response, 200, state);
      return source.seen();
    }
    case "GET /api/logs":
      return json(response, 200, { lines: source.logs(Number(url.searchParams.get("since")) || 0) });
    case "GET /api/diagnostics": {
      const bytes = await source.diagnostics();
      const name = 'attachment; filename="diagnostics.tar.gz"';
      response.writeHead(200, { ...HEADERS, "content-type": "application/gzip", "content-disposition": name });
      response.end(bytes);
      return;
    }
    case "POST /api/test-alarm":
      return json(response, 200, await source.testAlarm());
    case "POST /api/act": {
      const { assignmentId, act, cause } = await body(request, ActBody);
      return json(response, 200, { isWritten: await source.act(assignmentId, act, cause) });
    }
    default:
      return serveStill(source, what, response);
  }
}

async function serveStill(source: PageSource, what: string, response: ServerResponse): Promise<void> {
  const [, camera] = /^GET \/api\/cameras\/([A-Za-z0-9_-]{1,64})\/still$/u.exec(what) ?? [];
  if (camera === undefined) return json(response, 404, refusal("PAGE_UNKNOWN", "there is no such page"));
  const still = await source.live()?.still(camera);
  if (still === undefined) return json(response, 404, refusal("PAGE_NO_STILL", "this camera has shown nothing yet"));
  const taken = new Date(still.atMs).toUTCString();
  response.writeHead(200, { ...HEADERS, "content-type": "image/jpeg", "last-modified": taken }).end(still.jpeg);
}

/** A form of another page cannot send JSON unasked. */
function isOwnPage(request: IncomingMessage): boolean {
  return request.headers["content-type"]?.startsWith("application/json") === true && isOfThisBox(request);
}

/** A browser says where a request comes from. */
function isOfThisBox({ headers: { origin, host } }: IncomingMessage): boolean {
  return origin === undefined || origin.replace(/^https?:\/\//u, "") === host;
}

function secretOf({ headers }: IncomingMessage): string | undefined {
  return new RegExp(`(?:^|; )${COOKIE}=([A-Za-z0-9_-]{43})(?:;|$)`, "u").exec(headers.cookie ?? "")?.[1];
}

async function body<S extends typeof PinBody | typeof ActBody>(
  request: IncomingMessage,
  schema: S,
): Promise<Static<S>> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MOST_BODY_BYTES) break;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (Value.Check(schema, value)) return value as Static<S>;
  throw new GatewayError("PAGE_REQUEST", "the request is not of the page's form", { hint: "Load the page again." });
}

function refusal(code: string, message: string) {
  return { code, message };
}

function json(response: ServerResponse, status: number, value: object): void {
  if (response.headersSent) return;
  response.writeHead(status, { ...HEADERS, "content-type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(value));
}
