import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:net";

/** Below those that Linux gives to clients: while a killed process is away, a connection to another could take its port. */
const FIRST = 12_000;
const LAST = 32_767;
const TRIES = 100;

/** Ports on loopback that nothing holds now: for processes that must come back on the same one after a kill. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers: { readonly server: Server; readonly port: number }[] = [];
  while (servers.length < count) servers.push(await listening());
  await Promise.all(servers.map(({ server }) => new Promise((resolve) => server.close(resolve))));
  return servers.map(({ port }) => port);
}

async function listening(): Promise<{ readonly server: Server; readonly port: number }> {
  for (let tries = 1; ; tries += 1) {
    const port = randomInt(FIRST, LAST + 1);
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
      return { server, port };
    } catch (error) {
      if (tries === TRIES) throw error;
    }
  }
}
