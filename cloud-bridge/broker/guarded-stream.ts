import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { type FrameFault, FrameGuard } from "./frame-guard.ts";

export interface GuardedStreamOptions {
  readonly limitBytes: number;
  /** Called once; the socket is cut at once, without waiting for what it still wants to send. */
  readonly onFault: (fault: FrameFault) => void;
}

/**
 * What aedes reads instead of the socket. aedes itself has no limit of packet size and buffers a packet until it is whole;
 * behind this stream it never sees the first byte of one that is too long.
 */
export class GuardedStream extends Duplex {
  readonly socket: Socket;
  readonly #guard: FrameGuard;

  constructor(socket: Socket, { limitBytes, onFault }: GuardedStreamOptions) {
    super({ allowHalfOpen: false, autoDestroy: true });
    this.socket = socket;
    this.#guard = new FrameGuard(limitBytes);
    socket.on("data", (chunk: Buffer) => {
      const fault = this.#guard.feed(chunk);
      if (fault !== undefined) {
        onFault(fault);
        this.destroy();
        return;
      }
      if (!this.push(chunk)) socket.pause();
    });
    socket.once("end", () => this.push(null));
    socket.once("error", (error) => this.destroy(error));
    socket.once("close", () => this.destroy());
  }

  /** From now on packets of up to this size are taken. */
  allow(limitBytes: number): void {
    this.#guard.limitBytes = limitBytes;
  }

  override _read(): void {
    this.socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.socket.write(chunk, done);
  }

  override _writev(chunks: readonly { readonly chunk: Uint8Array }[], done: (error?: Error | null) => void): void {
    this.socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }
}
