import { type BadLink, startBadLink } from "../../cli/sim/bad-link.ts";
import { BAD_3G } from "../../cli/sim/line-shape.ts";
import { type Forward, reachInto, serveAt } from "../../cli/sim/link-forward.ts";
import type { TcpAddress } from "../../drivers/driver.ts";

const FIRST_PORT = 7000;
/** A way to the bridge's doors over real TCP on the TUN link, which delays, drops and paces packets. */
export class BadRoute {
  readonly doors: readonly TcpAddress[];
  readonly #link: BadLink;
  readonly #forwards: readonly Forward[];

  private constructor(link: BadLink, doors: readonly TcpAddress[], forwards: readonly Forward[]) {
    this.#link = link;
    this.doors = doors;
    this.#forwards = forwards;
  }

  static async make(to: readonly TcpAddress[]): Promise<BadRoute> {
    const link = await startBadLink(BAD_3G);
    const forwards: Forward[] = [];
    const doors: TcpAddress[] = [];
    for (const [index, door] of to.entries()) {
      const port = FIRST_PORT + index;
      forwards.push(await serveAt(link.far, port, door));
      const near = await reachInto(link.near, { host: link.far.address, port });
      forwards.push(near);
      doors.push({ host: "127.0.0.1", port: near.port });
    }
    return new BadRoute(link, doors, forwards);
  }

  async close(): Promise<void> {
    for (const forward of this.#forwards) await forward.close();
    await this.#link.close();
  }
}
