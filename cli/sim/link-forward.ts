import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TcpAddress } from "../../drivers/driver.ts";
import type { LinkEnd } from "./bad-link.ts";

const UP_WITHIN_MS = 10_000;

export interface Forward extends AsyncDisposable {
  readonly port: number;
  close(): Promise<void>;
}

/** A port on this machine's loopback that leads to an address as the end of a link sees it. */
export async function reachInto(end: LinkEnd, to: TcpAddress, port = 0): Promise<Forward> {
  const folder = mkdtempSync(join(tmpdir(), "shao-link-"));
  const path = join(folder, "in");
  const child = within(end, `UNIX-LISTEN:${path},fork`, `TCP:${to.host}:${to.port},nodelay`);
  await until(() => existsSync(path));
  const server = joining(() => connect(path));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return ended(server, child, folder);
}

/** A port at the end of a link, on its own address, that leads to an address of this machine. */
export async function serveAt(end: LinkEnd, port: number, to: TcpAddress): Promise<Forward> {
  const folder = mkdtempSync(join(tmpdir(), "shao-link-"));
  const path = join(folder, "out");
  const server = joining(() => connect(to.port, to.host));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
  const child = within(end, `TCP-LISTEN:${port},bind=${end.address},fork,reuseaddr,nodelay`, `UNIX-CONNECT:${path}`);
  return ended(server, child, folder, port);
}

/** Unix sockets know no namespaces: that is the way in and out. The child ends with its namespace. */
function within({ within: [command = "", ...args] }: LinkEnd, from: string, to: string): ChildProcess {
  return spawn(command, [...args, "socat", from, to], { stdio: "ignore" });
}

function joining(far: () => Socket): Server {
  return createServer((near) => {
    const other = far();
    const drop = () => {
      near.destroy();
      other.destroy();
    };
    for (const socket of [near, other]) socket.on("error", drop).on("close", drop);
    near.pipe(other).pipe(near);
  });
}

function ended(server: Server, child: ChildProcess, folder: string, port?: number): Forward {
  const close = async () => {
    child.kill("SIGKILL");
    await new Promise<void>((resolve) => server.close(() => resolve()));
    rmSync(folder, { recursive: true, force: true });
  };
  return { port: port ?? (server.address() as AddressInfo).port, close, [Symbol.asyncDispose]: close };
}

async function until(isThere: () => boolean): Promise<void> {
  const untilMs = performance.now() + UP_WITHIN_MS;
  while (!isThere()) {
    if (performance.now() > untilMs) throw new Error("socat does not listen at the end of the link");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
