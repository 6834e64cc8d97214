import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { AccountFacts } from "../roster/accounts.ts";
import { type Scope, within } from "../roster/scope.ts";
import type { Db } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { Logger } from "../store/logger.ts";
import type { EventName, EventOf } from "./schema/events.ts";

const HEARTBEAT_MS = 15_000;
/** A reader that takes nothing for this long is cut; it comes back with Last-Event-ID and misses nothing. */
const DRAIN_MS = 20_000;
/** With this much still unread, what is transient is not even written. */
const MAX_WAITING_BYTES = 256 * 1024;
const MAX_STREAMS_PER_ACCOUNT = 32;
const BATCH = 100;

interface StoredEvent {
  readonly id: number;
  readonly name: string;
  readonly data: string;
}

interface Stream {
  readonly client: string;
  readonly account: AccountFacts;
  readonly response: ServerResponse;
  /** Still open for this account? Asked at every heartbeat. */
  readonly isAllowed: () => Promise<boolean>;
  /** What the account gets at, as it stood a moment ago. */
  scope: Scope;
  lastId: number;
  isBusy: boolean;
  /** Woken while it was reading: read once more. */
  isWoken: boolean;
}

export interface EventHubOptions {
  readonly db: Db;
  readonly nowMs: () => number;
  readonly log: Logger;
  readonly drainMs?: number;
  readonly scopeOf: (account: AccountFacts) => Promise<Scope>;
  /** Called once a stream's socket has taken an event: proof of delivery for the crew's page. */
  readonly onWritten?: (name: string, data: string, account: AccountFacts) => void;
  /** Assignments that nobody has proven delivered to this crew: data of `assignment` events. */
  readonly undelivered?: (crewId: string) => Promise<readonly string[]>;
}

/**
 * All open SSE streams. Events with a number come from the store's table, where the writer put them in the transaction that
 * they tell of; each stream reads on from its own number, so none is skipped and none is sent twice.
 */
export class EventHub {
  readonly #options: EventHubOptions;
  readonly #streams = new Map<string, Stream>();
  readonly #heartbeat: NodeJS.Timeout;
  #dropped = 0;
  /** One reading of the store serves every stream that is not behind. */
  #isReading = false;
  #isWoken = false;

  constructor(options: EventHubOptions) {
    this.#options = options;
    this.#heartbeat = setInterval(() => void this.#beat(), HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  get counters(): { streams: number; dropped: number } {
    return { streams: this.#streams.size, dropped: this.#dropped };
  }

  /** @throws BridgeError TOO_MANY_STREAMS */
  async open(
    response: ServerResponse,
    account: AccountFacts,
    lastEventId: number | undefined,
    isAllowed: () => Promise<boolean>,
  ): Promise<void> {
    const open = [...this.#streams.values()].filter((stream) => stream.account.id === account.id).length;
    if (open >= MAX_STREAMS_PER_ACCOUNT) {
      throw new BridgeError("TOO_MANY_STREAMS", `${account.name} has ${open} event streams open`, {
        status: 429,
        hint: "Close some windows; one browser needs one stream for all its tabs.",
      });
    }
    const newest = await this.#newestId();
    // Gone while we asked the store: its `close` has been, and nothing would ever take it out of the list.
    if (response.destroyed) return;
    const client = randomBytes(12).toString("base64url");
    // A number from another database (restored, exchanged) begins anew at the present.
    const lastId = lastEventId === undefined || lastEventId > newest ? newest : lastEventId;
    const scope = await this.#options.scopeOf(account);
    const stream: Stream = { client, account, response, isAllowed, scope, lastId, isBusy: false, isWoken: false };
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    this.#streams.set(client, stream);
    response.once("close", () => this.#streams.delete(client));
    // What a reader's line does to it ends that stream, not the process.
    response.on("error", (error) => this.#options.log.debug({ client, error: String(error) }, "event stream lost"));
    this.#send(stream, "welcome", { client, nowMs: this.#options.nowMs() });
    await this.#catchUp(stream);
    const { undelivered } = this.#options;
    if (undelivered === undefined || account.role !== "crew" || account.crewId === undefined) return;
    for (const data of await undelivered(account.crewId)) {
      this.#write(stream, `event: assignment\ndata: ${data}\n\n`, this.#proof("assignment", data, account));
    }
  }

  /** New numbered events are committed. */
  wake(): void {
    this.#isWoken = true;
    if (!this.#isReading) void this.#readNews();
  }

  /** Whether this stream is open and belongs to the account. */
  isOpen(client: string, accountId: string): boolean {
    return this.#streams.get(client)?.account.id === accountId;
  }

  /** To all who may see nodes. */
  presence(event: EventOf<"presence">): void {
    for (const stream of this.#streams.values()) {
      const isHeld = within(stream.scope, "nodeIds", event.node);
      if (stream.account.role !== "crew" && isHeld) this.#send(stream, "presence", event);
    }
  }

  live(client: string, event: EventOf<"live">): void {
    const stream = this.#streams.get(client);
    if (stream !== undefined) this.#send(stream, "live", event);
  }

  close(): void {
    clearInterval(this.#heartbeat);
    for (const { response } of this.#streams.values()) response.end();
    this.#streams.clear();
  }

  async #newestId(): Promise<number> {
    const row = await this.#options.db
      .selectFrom("events")
      .select(({ fn }) => fn.max("id").as("id"))
      .executeTakeFirst();
    return Number(row?.id ?? 0);
  }

  /** What is new to the foremost stream goes to all that stand where it stands; the others read on by themselves. */
  async #readNews(): Promise<void> {
    this.#isReading = true;
    try {
      while (this.#isWoken) {
        this.#isWoken = false;
        const idle = [...this.#streams.values()].filter(({ isBusy }) => !isBusy);
        const from = Math.max(...idle.map(({ lastId }) => lastId));
        const rows = idle.length === 0 ? [] : await this.#eventsAfter(from);
        if (rows.length === BATCH) this.#isWoken = true;
        for (const stream of this.#streams.values()) {
          if (stream.isBusy || stream.lastId < from) void this.#catchUp(stream);
          else void this.#give(stream, rows);
        }
      }
    } catch (error) {
      this.#options.log.error({ error: String(error) }, "cannot read events");
      for (const stream of this.#streams.values()) void this.#catchUp(stream);
    } finally {
      this.#isReading = false;
    }
  }

  async #give(stream: Stream, rows: readonly StoredEvent[]): Promise<void> {
    stream.isBusy = true;
    try {
      await this.#refresh(stream);
      for (const row of rows) {
        if (row.id <= stream.lastId) continue;
        this.#sendStored(stream, row);
        if (stream.response.writableNeedDrain && !(await this.#hasRoom(stream))) return;
      }
    } finally {
      stream.isBusy = false;
    }
    if (stream.isWoken) await this.#catchUp(stream);
  }

  /** Units, sites and crews change while people look on. What cannot be read now stays as it was. */
  async #refresh(stream: Stream): Promise<void> {
    if (stream.scope.isWhole) return;
    stream.scope = await this.#options.scopeOf(stream.account).catch(() => stream.scope);
  }

  #eventsAfter(id: number): Promise<readonly StoredEvent[]> {
    return this.#options.db
      .selectFrom("events")
      .select(["id", "name", "data"])
      .where("id", ">", id)
      .orderBy("id")
      .limit(BATCH)
      .execute();
  }

  async #catchUp(stream: Stream): Promise<void> {
    stream.isWoken = true;
    if (stream.isBusy) return;
    stream.isBusy = true;
    try {
      while (stream.isWoken && !isOver(stream.response)) {
        stream.isWoken = false;
        await this.#refresh(stream);
        const rows = await this.#eventsAfter(stream.lastId);
        for (const row of rows) {
          this.#sendStored(stream, row);
          if (!(await this.#hasRoom(stream))) return;
        }
        if (rows.length === BATCH) stream.isWoken = true;
      }
    } catch (error) {
      this.#options.log.error({ error: String(error) }, "cannot read events");
      stream.response.destroy();
    } finally {
      stream.isBusy = false;
    }
  }

  #sendStored(stream: Stream, { id, name, data }: StoredEvent): void {
    stream.lastId = id;
    if (!maySee(stream, name, data)) return;
    this.#write(stream, `event: ${name}\nid: ${id}\ndata: ${data}\n\n`, this.#proof(name, data, stream.account));
  }

  /** Not before the socket has taken it: work that began here at once would keep the very event waiting in this process. */
  #proof(name: string, data: string, account: AccountFacts): ((error?: Error | null) => void) | undefined {
    const { onWritten } = this.#options;
    if (onWritten === undefined) return undefined;
    return (error) => {
      if (error === undefined || error === null) onWritten(name, data, account);
    };
  }

  #send<N extends EventName>(stream: Stream, name: N, event: EventOf<N>): void {
    if (stream.response.writableLength > MAX_WAITING_BYTES) return;
    this.#write(stream, `event: ${name}\ndata: ${JSON.stringify(event)}\n\n`);
  }

  #write({ response }: Stream, text: string, onTaken?: (error?: Error | null) => void): void {
    if (!isOver(response)) response.write(text, onTaken);
  }

  /** Waits until the reader has taken what was written; one that does not is cut. */
  async #hasRoom({ client, account, response }: Stream): Promise<boolean> {
    if (isOver(response)) return false;
    if (!response.writableNeedDrain) return true;
    const isDrained = await new Promise<boolean>((resolve) => {
      const end = (outcome: boolean) => () => {
        clearTimeout(timer);
        response.off("drain", drained).off("close", closed);
        resolve(outcome);
      };
      const [drained, closed, late] = [end(true), end(false), end(false)];
      const timer = setTimeout(late, this.#options.drainMs ?? DRAIN_MS);
      response.once("drain", drained).once("close", closed);
    });
    if (isDrained || response.destroyed) return isDrained;
    this.#dropped += 1;
    this.#options.log.warn({ client, account: account.name }, "reader of events takes nothing, cut");
    response.destroy();
    return false;
  }

  async #beat(): Promise<void> {
    for (const stream of this.#streams.values()) {
      if (await stream.isAllowed().catch(() => true)) this.#write(stream, ": still here\n\n");
      else this.#drop(stream);
    }
  }

  /** At once, and not when its socket has taken the rest: nothing more may reach it meanwhile. */
  #drop({ client, response }: Stream): void {
    this.#streams.delete(client);
    response.destroy();
  }
}

function isOver({ destroyed, writableEnded }: ServerResponse): boolean {
  return destroyed || writableEnded;
}

interface EventFacts {
  readonly assignment?: { readonly crewId?: string };
  readonly case?: { readonly unitIds?: readonly string[]; readonly assignment?: { readonly crewId?: string } };
  readonly unitId?: string;
}

/** A crew sees what is assigned to it; an account with a unit what that unit, or one below it, has a part in. */
function maySee({ account, scope }: Stream, name: string, data: string): boolean {
  if (account.role !== "crew" && scope.isWhole) return true;
  const event = JSON.parse(data) as EventFacts;
  if (account.role !== "crew") {
    const units = event.case?.unitIds ?? (event.unitId === undefined ? [] : [event.unitId]);
    return units.some((id) => within(scope, "unitIds", id));
  }
  const crewId = name === "assignment" ? event.assignment?.crewId : event.case?.assignment?.crewId;
  return crewId !== undefined && crewId === account.crewId;
}
