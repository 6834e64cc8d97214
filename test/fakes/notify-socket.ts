import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { scratchFolder } from "./rigs.ts";

/** One message as a service manager gets it: who sent it, by the kernel's word, and what it says. */
export interface Notice {
  readonly pid: number;
  readonly text: string;
}

/** A datagram socket of the file system, as systemd has one; Node cannot open it, so Debian's Python does. */
const LISTENER = `
import json, socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
s.bind(sys.argv[1])
print("listens", flush=True)
while True:
    data, ancillary, _, _ = s.recvmsg(4096, socket.CMSG_SPACE(12))
    pid = struct.unpack("3i", ancillary[0][2])[0]
    print(json.dumps({"pid": pid, "text": data.decode()}), flush=True)
`;

export class NotifySocket {
  readonly path: string;
  readonly notices: Notice[] = [];
  readonly #child: ChildProcess;
  readonly #remove: () => void;

  private constructor(path: string, child: ChildProcess, remove: () => void) {
    this.path = path;
    this.#child = child;
    this.#remove = remove;
  }

  static async start(): Promise<NotifySocket> {
    const folder = scratchFolder();
    const path = join(folder.path, "notify");
    const child = spawn("/usr/bin/python3", ["-c", LISTENER, path], { stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout });
    const socket = new NotifySocket(path, child, folder.remove);
    await once(lines, "line");
    lines.on("line", (line) => socket.notices.push(JSON.parse(line) as Notice));
    return socket;
  }

  /** Messages that hold this line. */
  count(line: string): number {
    return this.notices.filter(({ text }) => text.split("\n").includes(line)).length;
  }

  stop(): void {
    this.#child.kill();
    this.#remove();
  }
}
