import { createServer, type Server } from "node:http";
import { Gauge, Registry } from "prom-client";
import { GatewayError } from "../contracts/gateway-error.ts";

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
  readonly uplink: object;
}

export interface LocalServerOptions {
  readonly host: "127.0.0.1" | "::1";
  /** 0 takes any free port. */
  readonly port: number;
  readonly health: () => Promise<LocalHealth>;
  /** Numbers for `/metrics`, by name without prefix. */
  readonly metrics: () => Promise<Readonly<Record<string, number>>>;
}

export interface LocalServer {
  readonly port: number;
  close(): Promise<void>;
}

/** `/health` and `/metrics`, on loopback only. @throws GatewayError LOCAL_PORT */
export async function startLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  const registry = new Registry();
  const gauges = new Map<string, Gauge>();
  const server = createServer((request, response) => {
    const answer = async (): Promise<[number, string, string]> => {
      if (request.method !== "GET" && request.method !== "HEAD") return [405, "text/plain", "only GET\n"];
      switch (request.url?.split("?")[0]) {
        case "/health": {
          const health = await options.health();
          return [200, "application/json", `${JSON.stringify(health)}\n`];
        }
        case "/metrics": {
          for (const [name, value] of Object.entries(await options.metrics())) {
            const gauge = gauges.get(name) ?? newGauge(name, registry);
            gauges.set(name, gauge);
            gauge.set(value);
          }
          return [200, registry.contentType, await registry.metrics()];
        }
        default:
          return [404, "text/plain", "there is /health and /metrics\n"];
      }
    };
    answer().then(
      ([status, type, body]) => response.writeHead(status, { "content-type": type }).end(body),
      (error: unknown) => response.writeHead(503, { "content-type": "text/plain" }).end(`${String(error)}\n`),
    );
  });
  server.headersTimeout = 5000;
  server.requestTimeout = 5000;
  return { port: await listen(server, options), close: () => close(server) };
}

function newGauge(name: string, registry: Registry): Gauge {
  return new Gauge({ name: `shao_gateway_${name}`, help: name.replaceAll("_", " "), registers: [registry] });
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
