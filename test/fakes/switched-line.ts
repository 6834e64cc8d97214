import { connect, createServer, type Server, type Socket } from "node:net";

/** With 64 KiB each time about 5 Mbit/s, far more than any line of ours; without a pause the one who pours takes the processor. */
export const FLOOD_EVERY_MS = 100;

/** A device's line on TCP that can be cut and mended, and on which rubbish can be poured instead of the device. */
export class SwitchedLine implements AsyncDisposable {
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  #flood: Uint8Array | undefined;

  constructor(target: number) {
    this.#target = target;
  }

  get port(): number {
    return this.#port;
  }

  async on(): Promise<void> {
    const server = createServer((socket) => this.#serve(socket));
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(this.#port, "127.0.0.1", resolve);
    await promise;
    const address = server.address();
    if (typeof address === "object" && address !== null) this.#port = address.port;
    this.#server = server;
  }

  async off(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#server === undefined) resolve();
    else this.#server.close(() => resolve());
    this.#server = undefined;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await promise;
  }

  /** Whoever is connected, or connects, is poured over again and again; undefined ends it. */
  flood(bytes: Uint8Array | undefined): void {
    this.#flood = bytes;
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.off();
  }

  #serve(socket: Socket): void {
    this.#keep(socket);
    const bytes = this.#flood;
    if (bytes !== undefined) {
      const more = () => {
        if (!socket.destroyed) socket.write(bytes, () => setTimeout(more, FLOOD_EVERY_MS));
      };
      more();
      return;
    }
    const device = connect(this.#target, "127.0.0.1");
    this.#keep(device);
    socket.pipe(device).pipe(socket);
    socket.on("close", () => device.destroy());
    device.on("close", () => socket.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
  }
}
