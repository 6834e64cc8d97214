import type { Server } from "node:http";
import process from "node:process";
import { GatewayError } from "../contracts/gateway-error.ts";
import { exposition, type Metric } from "./exposition.ts";

// An import of node:http reads all of its exports, and one of them loads Node's WebSocket client: 10 MB alone.
const { createServer } = process.getBuiltinModule("node:http");

const EXPOSITION = "text/plain; version=0.0.4; charset=utf-8";

const ANSWER_WITHIN_MS = 4000;
const SILENT = new GatewayError("WATCH_SILENT", "the journal does not answer", {
  hint: "Look at the disk under `state`.",
});

/** The node as `/health` shows it: units in the names. */
export interface LocalHealth {
  readonly node: string;
  readonly run: string;
  readonly version: string;
  /** `ok`, or what an installer should look at first. */
  readonly status: "ok" | "degraded";
  readonly problems: readonly { readonly code: string; readonly message: string; readonly hint: string }[];
  readonly upMs: number;
  readonly time: { readonly atMs: number; readonly quality: string };
  readonly devices: Readonly<Record<string, object>>;
  readonly journal: object;
  readonly evidence: object;
  readonly uplink: object;
}

export interface LocalServerOptions {
  readonly host: "127.0.0.1" | "::1";
  /** 0 takes any free port. */
  readonly port: number;
  readonly health: () => Promise<LocalHealth>;
  readonly metrics: () => Promise<readonly Metric[]>;
  /** What is told of the page for people to those who look for it here. */
  readonly page: () => string;
  /** After so long without an answer it is 503. */
  readonly answerWithinMs?: number;
}

export interface LocalServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * `/health` and `/metrics`, on loopback only. 503 when the journal does not answer: to be asked by whatever watches the box.
 * @throws GatewayError LOCAL_PORT
 */
export async function startLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  const server = createServer((request, response) => {
    const answer = async (): Promise<[number, string, string]> => {
      if (request.method !== "GET" && request.method !== "HEAD") return [405, "text/plain", "only GET\n"];
      switch (request.url?.split("?")[0]) {
        case "/health": {
          const health = await options.health();
          return [200, "application/json", `${JSON.stringify(health)}\n`];
        }
        case "/metrics":
          return [200, EXPOSITION, exposition(await options.metrics())];
        default:
          return [404, "text/plain", `here is /health and /metrics; ${options.page()}\n`];
      }
    };
    const { promise: silence, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(SILENT), options.answerWithinMs ?? ANSWER_WITHIN_MS);
    const first = Promise.race([answer(), silence]).finally(() => clearTimeout(timer));
    first.then(
      ([status, type, body]) => response.writeHead(status, { "content-type": type }).end(body),
      (error: unknown) => response.writeHead(503, { "content-type": "text/plain" }).end(`${String(error)}\n`),
    );
  });
  server.headersTimeout = 5000;
  server.requestTimeout = 5000;
  return { port: await listen(server, options), close: () => close(server) };
}

function listen(server: Server, { host, port }: LocalServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new GatewayError("LOCAL_PORT", `cannot listen on ${host}:${port}: ${cause.message}`, {
          hint: "Another program has the port: choose another one under `health.port`, or leave `health` out.",
          cause,
        }),
      ),
    );
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
