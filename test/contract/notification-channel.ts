import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { NotificationChannel } from "../../cloud-bridge/dispatch/channels/channel.ts";
import { Courier } from "../../cloud-bridge/dispatch/channels/courier.ts";
import { crewPageChannel } from "../../cloud-bridge/dispatch/channels/crew-page-channel.ts";
import { backlog, listNotices, reviveNotice } from "../../cloud-bridge/dispatch/channels/outbox-views.ts";
import { radioChannel } from "../../cloud-bridge/dispatch/channels/radio-channel.ts";
import { vehicleChannel } from "../../cloud-bridge/dispatch/channels/vehicle-channel.ts";
import { webhookChannel, webhookSignature } from "../../cloud-bridge/dispatch/channels/webhook-channel.ts";
import { applyResult } from "../../cloud-bridge/dispatch/command-rows.ts";
import { NodeCommands } from "../../cloud-bridge/dispatch/node-commands.ts";
import type { Db } from "../../cloud-bridge/store/database.ts";
import { silentLogger } from "../../cloud-bridge/store/logger.ts";
import { changing } from "../../cloud-bridge/store/transactions.ts";
import type { ResultBody } from "../../protocol/bodies.ts";
import type { Command } from "../../protocol/session.ts";
import { noiseRevision } from "../fakes/alarm-revision.ts";
import { type DeskRig, DISPATCHER, deskRig, newKey, type VirtualClock } from "../fakes/desk-rig.ts";

const SECRET = "a secret of this test, long enough";

/** Who is told at the other end, as the test steers it. */
interface FarEnd {
  readonly channel: NotificationChannel;
  /** `away`: nobody answers. `refuses`: for good. */
  mood: "there" | "away" | "refuses";
  /** What reached it, oldest first, by what tells repetitions apart. */
  readonly got: { readonly id: string; readonly text: string }[];
  /** Lets what is on its way arrive and be answered. */
  settle(rig: DeskRig): Promise<void>;
  close(): Promise<void>;
}

type Make = (of: { readonly db: Db; readonly clock: VirtualClock }) => FarEnd;

const SUBJECTS: Readonly<
  Record<string, { readonly make: () => Promise<Make>; readonly canRefuse: boolean; readonly isCall: boolean }>
> = {
  "crew-page": { canRefuse: false, isCall: true, make: async () => crewPage },
  vehicle: {
    canRefuse: false,
    isCall: true,
    make:
      async () =>
      ({ db, clock }) =>
        overNode(db, clock, vehicleChannel, () => undefined),
  },
  "radio-text": {
    canRefuse: true,
    isCall: true,
    make:
      async () =>
      ({ db, clock }) => {
        const settings = { node: "centre", device: "radio", proof: "received", language: "en" } as const;
        const value = ({ args }: Command) => ({ to: args["to"], proof: "received", parts: 1 });
        return overNode(db, clock, (commands) => radioChannel(db, commands, settings), value);
      },
  },
  webhook: { canRefuse: true, isCall: false, make: webhook },
};

/** What every way of telling somebody promises. */
export function notificationChannelContract(name: string): void {
  const subject = SUBJECTS[name];
  if (subject === undefined) throw new Error(`no channel ${name}`);
  describe(`the channel ${name}`, () => {
    let rig: DeskRig;
    let end: FarEnd;
    let courier: Courier;
    beforeEach(async () => {
      const make = await subject.make();
      rig = await deskRig({
        channelsOf(parts) {
          end = make(parts);
          return [end.channel];
        },
      });
      await rig.db.updateTable("crews").set({ radio_issi: "2001" }).where("id", "=", "crew-a").execute();
      courier = courierOf(rig);
    });
    afterEach(async () => {
      await end.close();
      await rig.store.close();
    });

    const courierOf = ({ db, clock, desk, channels }: DeskRig) =>
      new Courier({
        ...{ channels, clock, log: silentLogger, change: desk.change, random: () => 0.5 },
        writer: () => db,
      });
    const alarm = async () => {
      await rig.receive(noiseRevision({ nowMs: rig.clock.nowMs() }));
      await rig.desk.tick();
    };
    /** Time passes in steps, as the bridge's clock looks at the outbox. */
    const pass = async (ms: number) => {
      const steps = 8;
      for (let step = 0; step < steps; step += 1) {
        rig.clock.pass(ms / steps);
        await courier.wake();
        await end.settle(rig);
        await courier.wake();
      }
    };
    const own = async () => {
      const notices = await listNotices(rig.db, { limit: 100 });
      return notices.filter(({ channel }) => channel === end.channel.name).reverse();
    };

    test("tells what is for it once, and says by what it knows that it was told", async () => {
      await alarm();
      await pass(1000);
      const [first] = await own();
      expect(first).toMatchObject({ state: "delivered", deliveredAtMs: expect.any(Number) });
      expect(first?.deliveredTo).toMatch(/crew\.a|node:car-a|issi:2001 received|http 2/);
      const { length } = end.got;
      expect(length).toBeGreaterThan(0);
      await pass(600_000);
      const ids = end.got.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(await backlog(rig.db)).toEqual(
        (await backlog(rig.db)).filter(({ channel }) => channel !== end.channel.name),
      );
    });

    test("keeps it while nobody is there, for all to see, and tells it when somebody is", async () => {
      end.mood = "away";
      await alarm();
      await pass(2000);
      const [waiting] = await own();
      expect(waiting?.state).toBe("waiting");
      const mine = (await backlog(rig.db)).find(({ channel }) => channel === end.channel.name);
      expect(mine?.waiting).toBeGreaterThan(0);
      expect(mine?.oldestWaitingAtMs).toBe(waiting?.createdAtMs);
      end.mood = "there";
      await pass(120_000);
      const told = (await own()).filter(({ state }) => state === "delivered");
      expect(told.length).toBeGreaterThan(0);
    });

    test("an attempt that died with its process is made again, and the other end can tell that it is the same", async () => {
      await alarm();
      await courier.wake();
      const before = end.got.length;
      // The process that had begun is gone: nothing of the outcome was written.
      await rig.db
        .updateTable("outbox")
        .set({ command_id: null, delivered_at_ms: null, next_try_at_ms: rig.clock.nowMs() + 60_000 })
        .where("channel", "=", end.channel.name)
        .where("channel", "!=", "crew-page")
        .where("cancelled_at_ms", "is", null)
        .execute();
      courier = courierOf(rig);
      await pass(180_000);
      expect((await own()).filter(({ state }) => state === "waiting")).toEqual([]);
      expect((await own()).some(({ state }) => state === "delivered")).toBe(true);
      expect(end.got.length).toBeGreaterThanOrEqual(before);
      expect(new Set(end.got.map(({ text }) => text)).size).toBeLessThanOrEqual(end.got.length);
    });

    test.runIf(subject.isCall)("what was taken back before anybody was told of it is told to nobody", async () => {
      end.mood = "away";
      await alarm();
      const { case: facts } = await rig.theCase();
      await rig.desk.actOnCase(DISPATCHER, facts.id, { act: "withdraw", cause: "wrong crew" }, newKey());
      end.mood = "there";
      const calls = (await own()).filter(({ reason }) => reason === "assigned" || reason.startsWith("event:"));
      expect(calls[0]?.state).toBe("cancelled");
    });

    test.runIf(subject.canRefuse)("what is refused for good is given up, shown, and tried again by hand", async () => {
      end.mood = "refuses";
      await alarm();
      await pass(5000);
      const [dead] = await own();
      expect(dead).toMatchObject({ state: "dead", attempts: 1, lastError: expect.stringMatching(/^[A-Z_]+ ./) });
      expect((await backlog(rig.db)).find(({ channel }) => channel === end.channel.name)?.dead).toBeGreaterThan(0);
      end.mood = "there";
      await pass(30 * 3600_000);
      expect((await own())[0]?.state).toBe("dead");
      await reviveNotice(rig.db, dead?.id ?? 0, rig.clock.nowMs());
      await pass(1000);
      expect((await own())[0]).toMatchObject({ state: "delivered" });
      await expect(reviveNotice(rig.db, dead?.id ?? 0, rig.clock.nowMs())).rejects.toThrow("is delivered");
    });
  });
}

function crewPage(): FarEnd {
  const got: { id: string; text: string }[] = [];
  const end: FarEnd = {
    channel: crewPageChannel,
    mood: "there",
    got,
    async settle(rig) {
      if (end.mood !== "there") return;
      for (const id of await rig.desk.undelivered("crew-a")) {
        got.push({ id, text: id });
        await rig.desk.onDelivered(id, "crew.a");
      }
    },
    close: async () => {},
  };
  return end;
}

function overNode(
  db: Db,
  clock: VirtualClock,
  make: (commands: NodeCommands) => NotificationChannel,
  value: (command: Command) => unknown,
): FarEnd {
  const got: { id: string; text: string }[] = [];
  const arrived: Command[] = [];
  const answered = new Set<string>();
  const commands = new NodeCommands({
    ...{ db, clock, log: silentLogger },
    authority: { signCommand: (command) => ({ ...command, keyId: "k1", sig: "" }) },
    send: async (_node, bytes) => {
      if (end.mood === "away") return false;
      arrived.push(JSON.parse(Buffer.from(bytes).toString()) as Command);
      return true;
    },
  });
  const end: FarEnd = {
    channel: make(commands),
    mood: "there",
    got,
    async settle() {
      if (end.mood === "away") return;
      for (const node of ["car-a", "car-b", "centre"]) await commands.resend(node);
      for (const command of arrived.splice(0)) {
        // As a node does: an id that was answered is not done again.
        if (answered.has(command.id)) continue;
        answered.add(command.id);
        const refusal = { ok: false, code: "COMMAND_ARGUMENTS", message: "no such handset" };
        const body: ResultBody = {
          commandId: command.id,
          ...(end.mood === "refuses" ? refusal : { ok: true, value: value(command) }),
        };
        if (end.mood === "there") got.push({ id: command.id, text: JSON.stringify(command.args) });
        await changing(db, (trx) => applyResult(trx, command.node ?? "", body, clock.nowMs()));
      }
    },
    close: async () => {},
  };
  return end;
}

async function webhook(): Promise<Make> {
  const got: { id: string; text: string }[] = [];
  let end: FarEnd | undefined;
  let clock: VirtualClock | undefined;
  const server: Server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    request.on("end", () => {
      const signature = webhookSignature(SECRET, text, clock?.nowMs() ?? 0);
      if (end?.mood === "away") request.socket.destroy();
      else if (end?.mood === "refuses") response.writeHead(410).end("gone for good");
      else if (request.headers["shao-signature"] !== signature) response.writeHead(500).end();
      else {
        const { id } = JSON.parse(text) as { id: string };
        if (request.headers["shao-event"] !== id) response.writeHead(500).end();
        else {
          got.push({ id, text });
          response.writeHead(204).end();
        }
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return (parts) => {
    clock = parts.clock;
    end = {
      channel: webhookChannel(parts.clock, { name: "city", url, secret: SECRET, events: ["assignment.assigned"] }),
      mood: "there",
      got,
      settle: async () => {},
      async close() {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    };
    return end;
  };
}
