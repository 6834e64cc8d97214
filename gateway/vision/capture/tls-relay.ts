import { readFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import type { CameraTls } from "../../contracts/cameras.ts";
import { codeOf, GatewayError } from "../../contracts/gateway-error.ts";

const CONNECT_WITHIN_MS = 10_000;
const PORTS: Readonly<Record<string, number>> = { "rtsps:": 322, "https:": 443 };

export interface TlsRelay {
  /** The same stream on loopback, without TLS. */
  readonly url: string;
  close(): void;
}

export function isSecured(url: string): boolean {
  return /^(rtsps|https):/i.test(url);
}

/**
 * Connects to a camera by TLS, believes its certificate or refuses, and hands the connection to the one client that then
 * comes on loopback: ffmpeg knows no pinned certificate, and checks none unless it is told.
 * @throws GatewayError CAMERA_CERTIFICATE, CAMERA_UNREACHABLE
 */
export async function openTlsRelay(url: string, tls: CameraTls = {}): Promise<TlsRelay> {
  const { protocol, hostname, port, pathname, search } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const camera = await secured(host, Number(port) || (PORTS[protocol] ?? 443), tls);
  let server: Server;
  try {
    server = await listening((client) => join(client, camera));
  } catch (error) {
    camera.destroy();
    throw error;
  }
  camera.once("close", () => server.close());
  const address = server.address();
  const own = typeof address === "object" ? address?.port : 0;
  return {
    url: `${protocol.slice(0, -2)}://127.0.0.1:${own}${pathname}${search}`,
    close: () => {
      server.close();
      camera.destroy();
    },
  };
}

async function secured(host: string, port: number, tls: CameraTls): Promise<TLSSocket> {
  const ca = tls.caFile === undefined ? undefined : await authority(tls.caFile);
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  // The certificate is judged below, before a byte is sent: a refusal must be able to name what was seen.
  const socket = connect({ host, port, rejectUnauthorized: false, ...(ca === undefined ? {} : { ca }) });
  const timer = setTimeout(() => socket.destroy(new Error("no TLS within 10 s")), CONNECT_WITHIN_MS);
  socket.once("secureConnect", () => resolve(socket));
  socket.once("error", (error) => reject(unreachable(host, port, error)));
  try {
    await promise;
  } finally {
    clearTimeout(timer);
  }
  socket.on("error", () => undefined);
  const refusal = refusalOf(socket, host, tls);
  if (refusal === undefined) return socket;
  socket.destroy();
  throw refusal;
}

/** @returns undefined for a camera that is the one it should be */
function refusalOf(socket: TLSSocket, host: string, { caFile, fingerprint }: CameraTls): GatewayError | undefined {
  const seen = socket.getPeerCertificate().fingerprint256;
  if (fingerprint !== undefined) {
    if (plain(fingerprint) === plain(seen)) return undefined;
    return new GatewayError("CAMERA_CERTIFICATE", `the camera at ${host} has another certificate: ${seen}`, {
      hint: "It was exchanged or set back, or something stands between. If you know which, put the new fingerprint into tls.",
    });
  }
  if (socket.authorized) return undefined;
  const why = String(socket.authorizationError);
  return new GatewayError("CAMERA_CERTIFICATE", `the certificate of the camera at ${host} is not trusted (${why})`, {
    hint: `Compare its fingerprint at the camera, then pin it: tls: { fingerprint: "${seen}" }${caFile === undefined ? "; or name your authority: tls: { caFile: FILE }" : ""}`,
  });
}

async function authority(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new GatewayError("CAMERA_CERTIFICATE", `${path} cannot be read (${codeOf(error)})`, {
      hint: "tls.caFile names a file of certificates in PEM that the gateway may read.",
    });
  }
}

function unreachable(host: string, port: number, error: Error): GatewayError {
  return new GatewayError("CAMERA_UNREACHABLE", `no TLS connection to ${host}:${port} (${codeOf(error)})`, {
    hint: "Check the camera's power, cable and address, and that its port speaks TLS.",
    cause: error,
  });
}

function listening(serve: (client: Socket) => void): Promise<Server> {
  const server = createServer({ noDelay: true });
  server.once("connection", (client: Socket) => {
    server.close();
    serve(client);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

/** Each end waits for the other, so that a slow reader slows the camera down and nothing grows. */
function join(client: Socket, camera: TLSSocket): void {
  client.on("error", () => undefined);
  client.once("close", () => camera.destroy());
  camera.once("close", () => client.destroy());
  client.pipe(camera).pipe(client);
}

function plain(fingerprint: string): string {
  return fingerprint.replaceAll(":", "").toLowerCase();
}
