import { connect } from "node:net";
import { type Edition, encodeFrame, type Frame } from "../../../drivers/jt808/frame.ts";
import { FrameReader } from "../../../drivers/jt808/frame-reader.ts";
import { MESSAGE } from "../../../drivers/jt808/messages.ts";
import { authentication, registration } from "../../../drivers/jt808/simulator.ts";
import { until } from "../../fakes/rigs.ts";
import { PHONE } from "./frames.ts";

export interface RawTerminal {
  readonly answers: readonly Frame[];
  isClosed(): boolean;
  write(bytes: Uint8Array): void;
  send(messageId: number, body: Uint8Array, more?: Partial<Frame>): void;
  /** The next answer, as message id, acknowledged id and result. */
  answer(): Promise<string>;
  /** Registers and authenticates. */
  enter(): Promise<void>;
  close(): void;
}

/** A connection that sends what a test says, byte by byte. */
export async function rawTerminal(port: number, phone = PHONE, edition: Edition = "2013"): Promise<RawTerminal> {
  const socket = connect({ port, host: "127.0.0.1" });
  const reader = new FrameReader();
  const answers: Frame[] = [];
  let serial = 0;
  let read = 0;
  let isClosed = false;
  socket.on("error", () => undefined);
  socket.on("close", () => {
    isClosed = true;
  });
  socket.on("data", (chunk) => {
    for (const found of reader.push(chunk)) if ("frame" in found) answers.push(found.frame);
  });
  const connected = Promise.withResolvers<void>();
  socket.once("connect", () => connected.resolve());
  socket.once("error", (error) => connected.reject(error));
  await connected.promise;
  const next = async (): Promise<Frame> => {
    const at = read++;
    await until(() => answers.length > at || isClosed);
    const frame = answers[at];
    if (frame === undefined) throw new Error("the connection was closed without an answer");
    return frame;
  };
  const terminal: RawTerminal = {
    answers,
    isClosed: () => isClosed,
    write: (bytes) => void socket.write(bytes),
    send(messageId, body, more = {}) {
      socket.write(encodeFrame({ messageId, edition, phone, serial: serial++, body, ...more }));
    },
    async answer() {
      const { messageId, body } = await next();
      if (messageId === MESSAGE.registerAck) return `8100 ${body[2]}`;
      return `${messageId.toString(16)} ${Buffer.from(body.subarray(2, 4)).toString("hex")} ${body[4]}`;
    },
    async enter() {
      terminal.send(MESSAGE.register, registration("京A12345", edition));
      const { body } = await next();
      terminal.send(MESSAGE.authenticate, authentication(body.subarray(3), edition));
      const said = await terminal.answer();
      if (said !== "8001 0102 0") throw new Error(`not let in: ${said}`);
    },
    close: () => void socket.destroy(),
  };
  return terminal;
}
