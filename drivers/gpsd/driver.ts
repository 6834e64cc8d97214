import { GPS_ROLLOVER_MS, isBelievableDate } from "../../protocol/believable-date.ts";
import type { ByteLink, Driver, DriverContext } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { ahead } from "../net/ahead.ts";
import { parseTcpAddress } from "../net/tcp-address.ts";
import { withinQuiet } from "../net/within-quiet.ts";
import { refused } from "./capture.ts";
import { type GpsdConfig, gpsdConfig } from "./config.ts";
import { decodeLine, type GpsdReceiver, type GpsdReport } from "./decode.ts";
import { type GpsdEpoch, GpsdEpochAssembler } from "./epoch.ts";
import { LineReader } from "./lines.ts";

/** gpsd sends an epoch's reports in one go: so much quiet ends it. */
const LONGEST_QUIET_MS = 200;
const PROTOCOL_MAJOR = 3;
const SILENT_AFTER_PERIODS = 3;
/** Of all receivers: a watch of one that is not plugged in yet is refused, and hears nothing once it is. */
const WATCH = Buffer.from('?WATCH={"enable":true,"json":true};\n');

export const gpsd: Driver<typeof gpsdConfig> = {
  kind: "gpsd",
  config: gpsdConfig,

  async run(config, context) {
    await using link = await context.openTcp(parseTcpAddress(config.tcp));
    const session = new GpsdSession(config, context, link);
    const reader = new LineReader();
    const quietMs = Math.min(LONGEST_QUIET_MS, config.periodMs / 3);
    const chunks = link[Symbol.asyncIterator]();
    let next = ahead(chunks);

    for (;;) {
      const isOpen = session.isEpochOpen;
      const chunk = await withinQuiet(next, isOpen ? quietMs : SILENT_AFTER_PERIODS * config.periodMs, context.clock);
      if (chunk === "quiet") {
        await (isOpen ? session.endEpoch() : session.watchAgain());
        continue;
      }
      if (chunk.done === true) throw closed(link.peer);
      next = ahead(chunks);
      for (const found of reader.push(chunk.value)) {
        if ("fault" in found) context.fault(found.fault);
        else await session.take(found.line);
      }
    }
  },
};

/** One connection: greeting, watch, and the reports of the one receiver that is followed. */
class GpsdSession {
  readonly #config: GpsdConfig;
  readonly #context: DriverContext;
  readonly #link: ByteLink;
  #isGreeted = false;
  #followed: { readonly path: string; readonly epochs: GpsdEpochAssembler; heardUpMs: number } | undefined;
  #openedAtMs = 0;

  constructor(config: GpsdConfig, context: DriverContext, link: ByteLink) {
    this.#config = config;
    this.#context = context;
    this.#link = link;
  }

  get isEpochOpen(): boolean {
    return this.#followed?.epochs.isOpen === true;
  }

  async endEpoch(): Promise<void> {
    await this.#report(this.#followed?.epochs.close());
  }

  /** Its answer lists the receivers: gpsd does not always tell of one that was unplugged. */
  async watchAgain(): Promise<void> {
    if (this.#isGreeted) await this.#link.write(WATCH);
  }

  /** @throws DriverError GPSD_FRAMING, GPSD_VERSION not a gpsd that we know; GPSD_RECEIVER_GONE it was unplugged */
  async take(line: string): Promise<void> {
    let report: GpsdReport;
    try {
      report = decodeLine(line);
    } catch (error) {
      // Before its greeting it may be anything that listens there.
      if (!(error instanceof DriverError) || !this.#isGreeted) throw error;
      this.#context.fault(error);
      return;
    }
    switch (report.kind) {
      case "version":
        return this.#greet(report);
      case "devices":
        return this.#list(report.receivers);
      case "receiver":
        return this.#change(report.receiver);
      case "fix":
        return this.#fix(report);
      case "sky":
        if (this.#followed?.path === report.receiver) this.#followed.epochs.look(report.sky);
        return;
      case "refusal":
        return this.#context.fault(refused(report.message));
      case "other":
        return;
    }
  }

  async #greet({ release, major, minor }: Extract<GpsdReport, { kind: "version" }>): Promise<void> {
    if (major !== PROTOCOL_MAJOR) {
      throw new DriverError(
        "GPSD_VERSION",
        `gpsd ${release} speaks protocol ${major}.${minor}, not ${PROTOCOL_MAJOR}`,
        {
          retry: "backoff",
          hint: "Use a gpsd from 3.0 on, or a release of this gateway that knows that protocol.",
        },
      );
    }
    if (this.#isGreeted) return;
    this.#isGreeted = true;
    await this.#link.write(WATCH);
  }

  #list(receivers: readonly GpsdReceiver[]): void {
    const { receiver: wanted } = this.#config;
    if (receivers.some(({ path }) => wanted === undefined || path === wanted)) return;
    const known = receivers.map(({ path }) => path).join(", ");
    const message =
      wanted === undefined ? "gpsd has no receiver" : `gpsd has no receiver ${wanted}; it has ${known || "none"}`;
    this.#context.fault(
      new DriverError("GPSD_NO_RECEIVER", message.slice(0, 300), {
        retry: "backoff",
        hint: "Plug it in, and name it in DEVICES of /etc/default/gpsd, or add it with gpsdctl add.",
      }),
    );
  }

  #change({ path, isActive }: GpsdReceiver): void {
    if (isActive || (path !== this.#followed?.path && path !== this.#config.receiver)) return;
    // A new watch is what makes gpsd open it again.
    throw new DriverError("GPSD_RECEIVER_GONE", `gpsd has lost ${path}`, {
      retry: "backoff",
      hint: "Check the receiver's plug and its power. gpsd opens it again once it is back.",
    });
  }

  async #fix({ receiver, fix }: Extract<GpsdReport, { kind: "fix" }>): Promise<void> {
    const { clock, online } = this.#context;
    const upMs = clock.upMs();
    if (!this.#follows(receiver, upMs)) return;
    if (this.#followed?.path !== receiver) {
      await this.endEpoch();
      this.#followed = { path: receiver, epochs: new GpsdEpochAssembler(receiver), heardUpMs: upMs };
    }
    this.#followed.heardUpMs = upMs;
    online();
    const isFirst = !this.#followed.epochs.isOpen;
    const finished = this.#followed.epochs.add(fix);
    if (finished !== undefined) await this.#report(finished);
    if (isFirst || finished !== undefined) this.#openedAtMs = clock.nowMs();
  }

  /** Two receivers behind one gpsd would make one track of two places. */
  #follows(receiver: string, upMs: number): boolean {
    if (this.#config.receiver !== undefined) return receiver === this.#config.receiver;
    if (this.#followed === undefined || this.#followed.path === receiver) return true;
    return upMs - this.#followed.heardUpMs > SILENT_AFTER_PERIODS * this.#config.periodMs;
  }

  async #report(epoch: GpsdEpoch | undefined): Promise<void> {
    const { emit, fault } = this.#context;
    const atMs = this.#openedAtMs;
    if (epoch?.denied !== undefined) fault(noFix(epoch.denied, epoch.sky));
    if (epoch?.position === undefined) return;
    const { position, utcMs } = epoch;
    const isSane = utcMs !== undefined && isBelievableDate(utcMs);
    if (utcMs !== undefined && !isSane) fault(suspect(utcMs));
    await emit({ kind: "position", ...position, ...(isSane && { fixAtMs: utcMs }), atMs });
    if (isSane && position.fix !== "estimated") await emit({ kind: "time", utcMs, source: "gnss", atMs });
  }
}

function closed(peer: string): DriverError {
  return new DriverError("CONNECTION_LOST", `gpsd at ${peer} closed the connection`, {
    retry: "backoff",
    hint: "It was stopped or started anew; systemctl status gpsd says which.",
  });
}

function noFix(denied: "none" | "simulated", sky: GpsdEpoch["sky"]): DriverError {
  if (denied === "simulated") {
    return new DriverError("GNSS_NOT_MEASURED", "the receiver says that its position is simulated", {
      retry: "backoff",
      hint: "It is not recorded. Set the receiver to its normal mode.",
    });
  }
  const signal = sky?.strongestDbHz === undefined ? "" : `, the best with ${sky.strongestDbHz} dB-Hz`;
  const seen = sky?.inView === undefined ? "" : `; it sees ${sky.inView} satellites${signal}`;
  return new DriverError("GNSS_NO_FIX", `the receiver has no fix${seen}`, {
    retry: "backoff",
    hint: "Let its antenna see the sky; after a cold start the first fix takes some minutes. A fix needs about 30 dB-Hz.",
  });
}

function suspect(utcMs: number): DriverError {
  const wrapped = [utcMs + GPS_ROLLOVER_MS, utcMs - GPS_ROLLOVER_MS].find((ms) => isBelievableDate(ms));
  const why = wrapped === undefined ? "" : `, 1024 weeks off ${new Date(wrapped).toISOString().slice(0, 10)}`;
  return new DriverError("GNSS_DATE_SUSPECT", `gpsd says ${new Date(utcMs).toISOString()}${why}`, {
    retry: "backoff",
    hint: "The receiver's week counter has wrapped, or it has not heard the date yet. Positions are used, its time is not.",
  });
}
