import { setTimeout as wait } from "node:timers/promises";
import { type SimulatorListen, serveSimulator } from "../net/simulator-listen.ts";

export interface SvantekState {
  readonly weighting?: "Z" | "A" | "C";
  readonly detector?: "impulse" | "fast" | "slow";
  readonly isRunning?: boolean;
  readonly isOverload?: boolean;
  readonly underRange?: 0 | 2 | 3;
  /** How long an answer takes, ms; undefined: none comes. */
  readonly answerMs?: number | undefined;
}

export interface SvantekSimulatorOptions {
  readonly listen: SimulatorListen;
  /** dB; null: no result. */
  readonly levelAt: (atMs: number) => number | null;
  /** Asked for each query, so that the meter may be set otherwise while it runs. */
  readonly state?: () => SvantekState;
  /** Integration period, s. Default 1. */
  readonly periodS?: number;
  readonly nowMs?: () => number;
}

export interface SvantekSimulator {
  readonly port?: number;
  readonly queries: () => number;
  close(): Promise<void>;
}

const FILTERS = { Z: 1, A: 2, C: 3 } as const;
const DETECTORS = { impulse: 0, fast: 1, slow: 2 } as const;
const LONGEST_QUERY_BYTES = 1024;

/** A meter that answers `#1;` and `#2,profile,X?,…;`, each in the order in which it was asked. */
export async function startSvantekSimulator(options: SvantekSimulatorOptions): Promise<SvantekSimulator> {
  const stop = new AbortController();
  let queries = 0;
  const server = await serveSimulator(options.listen, async (link) => {
    let text = "";
    let last = Promise.resolve();
    for await (const bytes of link) {
      text = (text + Buffer.from(bytes).toString("latin1")).slice(-LONGEST_QUERY_BYTES);
      for (let end = text.indexOf(";"); end >= 0; end = text.indexOf(";")) {
        const query = text.slice(text.lastIndexOf("#", end) + 1, end);
        text = text.slice(end + 1);
        queries++;
        const { answerMs = 5 } = { ...options.state?.() };
        if (options.state !== undefined && "answerMs" in options.state() && options.state().answerMs === undefined)
          continue;
        const reply = Buffer.from(answerTo(query, options));
        last = last
          .then(() => wait(answerMs, undefined, { signal: stop.signal }))
          .then(() => link.write(reply))
          .catch(() => undefined);
      }
    }
  });
  return {
    ...(server.port !== undefined && { port: server.port }),
    queries: () => queries,
    async close() {
      stop.abort();
      await server.close();
    },
  };
}

export function answerTo(query: string, options: Omit<SvantekSimulatorOptions, "listen">): string {
  const { levelAt, periodS = 1, nowMs = Date.now } = options;
  const {
    weighting = "A",
    detector = "fast",
    isRunning = true,
    isOverload = false,
    underRange = 0,
  } = options.state?.() ?? {};
  const [code, profile = "", ...wanted] = query.split(",");
  if (code === "1") {
    const filter = `F${FILTERS[weighting]}:1,F3:2,F1:3,F2:4,F3:5,F1:6`;
    const detectors = `C${DETECTORS[detector]}:1,C1:2,C1:3,C1:4,C1:5,C1:6`;
    return `#1,U971,N1234,W1.05.1,Q0.01,M1,R1,${filter},J3:1,J3:2,J1:3,f1,${detectors},d1s,D${periodS}s,K0,S${isRunning ? 1 : 0},T1;`;
  }
  if (code !== "2") return `#${code},?;`;
  const levelDb = levelAt(nowMs());
  const level = (aboveDb: number) => (levelDb === null || !isRunning ? "?" : (levelDb + aboveDb).toFixed(2));
  const values: Readonly<Record<string, string>> = {
    T: String(periodS),
    V: isOverload ? "1" : "0",
    v: String(underRange),
    S: level(0),
    R: level(-0.3),
    M: level(1.2),
    N: level(-2.1),
    P: level(12.5),
  };
  const results = wanted.map((name) => name.replace(/\?$/, "")).map((name) => `${name}${values[name] ?? "?"}`);
  return `#2,${profile},${results.join(",")};`;
}
