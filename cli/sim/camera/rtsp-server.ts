import { createServer, type Server, type Socket } from "node:net";
import type { CameraFaults } from "./camera-faults.ts";
import { Digest } from "./digest.ts";
import type { CameraFeed } from "./feed.ts";
import { RtspSession } from "./rtsp-session.ts";

export interface RtspServerOptions {
  readonly host?: string;
  /** 0: any free one. */
  readonly port?: number;
  readonly account?: { readonly user: string; readonly password: string };
  /** G.711 beside the picture. */
  readonly hasSound?: boolean;
  /** Cameras by path, e.g. `/gate`. */
  readonly feeds: Readonly<Record<string, CameraFeed>>;
}

/** A simulated camera, or several: RTSP over TCP with the media interleaved, and faults as real cameras have them. */
export class RtspServer {
  readonly faults: CameraFaults = { isSilent: false, refusals: 0, slowSetupMs: 0, lostShare: 0 };
  readonly #server: Server;
  readonly #sessions = new Set<RtspSession>();
  #connections = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start({ host = "127.0.0.1", port = 0, account, hasSound = false, feeds }: RtspServerOptions) {
    const digest = account === undefined ? undefined : new Digest(account.user, account.password);
    const server = createServer({ noDelay: true });
    const rtsp = new RtspServer(server);
    server.on("connection", (socket: Socket) => {
      rtsp.#connections += 1;
      const session = new RtspSession(socket, { feeds, digest, hasSound, faults: rtsp.faults });
      rtsp.#sessions.add(session);
      socket.on("close", () => rtsp.#sessions.delete(session));
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
    return rtsp;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Connections since the start. */
  get connections(): number {
    return this.#connections;
  }

  /** Those that play now. */
  get playing(): number {
    return [...this.#sessions].filter(({ isPlaying }) => isPlaying).length;
  }

  /** Ends all connections: by FIN, as a camera that restarts, or by RST, as one that lost its power and came back. */
  drop(how: "fin" | "rst"): void {
    for (const session of this.#sessions) session.drop(how);
  }

  async close(): Promise<void> {
    this.drop("rst");
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
