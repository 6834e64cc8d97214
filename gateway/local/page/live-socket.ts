import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket, WebSocketServer } from "ws";
import { encodeLivePart, LiveGate } from "../../../protocol/live-video.ts";
import type { LiveView } from "../../contracts/live-view.ts";
import type { Logger } from "../../contracts/logger.ts";

/** More than this waiting for a viewer, and it gets nothing until it has caught up and a whole picture comes. */
const MOST_WAITING_BYTES = 1024 * 1024;
/** A viewer that takes nothing for so long is let go. */
const STUCK_MS = 20_000;
const LOOK_EVERY_MS = 2000;
const MOST_VIEWERS = 16;
/** Whoever is refused has so long to take the answer. */
const REFUSED_MS = 2000;
/** Nobody has anything to say here. */
const MOST_HEARD_BYTES = 256;
const PATH = /^\/api\/cameras\/([A-Za-z0-9][A-Za-z0-9_-]{0,63})\/live$/u;

export interface LiveSocketOptions {
  readonly live: () => LiveView | undefined;
  /** Whether whoever sent this request has the PIN's session, and their own page asks. */
  readonly isInside: (request: IncomingMessage) => boolean;
  readonly isOwnPage: (request: IncomingMessage) => boolean;
  readonly log: Logger;
}

/** Live video to the page of the box: a WebSocket for who is inside, and for nobody else. */
export class LiveSocket {
  readonly #options: LiveSocketOptions;
  readonly #viewers = new Set<WebSocket>();
  #sockets: Promise<WebSocketServer> | undefined;

  constructor(server: Server, options: LiveSocketOptions) {
    this.#options = options;
    server.on("upgrade", (request, socket, head) => {
      socket.on("error", () => socket.destroy());
      this.#upgrade(request, socket, head).catch((error: unknown) => {
        options.log.error({ code: "PAGE_FAULT", error: String(error) }, "live video not shown");
        socket.destroy();
      });
    });
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  close(): void {
    for (const viewer of this.#viewers) viewer.terminate();
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { live, isInside, isOwnPage } = this.#options;
    const url = URL.parse(request.url ?? "/", "http://box");
    if (url === null) return refuse(socket, "400 Bad Request");
    const [, camera = ""] = PATH.exec(url.pathname) ?? [];
    const as = url.searchParams.get("as") === "mpeg1" ? "mpeg1" : "mp4";
    if (!isOwnPage(request)) return refuse(socket, "403 Forbidden");
    if (!isInside(request)) return refuse(socket, "401 Unauthorized");
    const view = live();
    if (view?.cameras.some(({ id }) => id === camera) !== true) return refuse(socket, "404 Not Found");
    if (this.#viewers.size >= MOST_VIEWERS) return refuse(socket, "503 Service Unavailable");
    // Only a box that is looked into loads it.
    this.#sockets ??= import("ws").then(
      ({ WebSocketServer: Sockets }) =>
        new Sockets({ noServer: true, perMessageDeflate: false, maxPayload: MOST_HEARD_BYTES, clientTracking: false }),
    );
    const sockets = await this.#sockets;
    sockets.handleUpgrade(request, socket, head, (viewer) => this.#show(viewer, view, camera, as, request));
  }

  #show(viewer: WebSocket, view: LiveView, camera: string, as: "mp4" | "mpeg1", request: IncomingMessage): void {
    this.#viewers.add(viewer);
    const gate = new LiveGate();
    const hasRoom = (): boolean => viewer.bufferedAmount < MOST_WAITING_BYTES;
    const send = (bytes: Uint8Array): void => {
      view.bytes.page += bytes.length;
      viewer.send(bytes);
    };
    const leave =
      as === "mpeg1"
        ? // What is left out of MPEG-TS its reader gets over by itself.
          view.watchMpeg1(camera, (bytes) => hasRoom() && send(bytes))
        : view.watch(camera, (message) => gate.admits(message, hasRoom()) && send(encodeLivePart(message)));
    let stuckMs = 0;
    const looking = setInterval(() => {
      stuckMs = hasRoom() ? 0 : stuckMs + LOOK_EVERY_MS;
      // Who has left the page, or was let in half a day ago, sees no more.
      if (stuckMs >= STUCK_MS || !this.#options.isInside(request)) viewer.terminate();
    }, LOOK_EVERY_MS);
    viewer.on("error", () => viewer.terminate());
    viewer.once("close", () => {
      clearInterval(looking);
      leave?.();
      this.#viewers.delete(viewer);
    });
  }
}

/** Once it is an upgrade's, no server closes a socket that its client leaves half open. */
function refuse(socket: Duplex, status: string): void {
  const deadline = setTimeout(() => socket.destroy(), REFUSED_MS);
  socket.once("close", () => clearTimeout(deadline));
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
