import { readFileSync } from "node:fs";

/** USER_HZ: /proc counts processor time in hundredths of a second on every Linux that Node runs on. */
const TICKS_PER_S = 100;

/** Of one stretch of time. */
export interface ProcessFigures {
  readonly seconds: number;
  readonly rssMb: number;
  /** Highest since the process began. */
  readonly peakRssMb: number;
  /** Of one core, on average over the stretch. */
  readonly cpuPct: number;
}

/** The bridge while boxes enrol, while they connect, at rest, and, started anew, while they return. */
export interface BridgeFigures {
  readonly paired: ProcessFigures;
  readonly connected: ProcessFigures;
  readonly rest: ProcessFigures;
  readonly returned: ProcessFigures;
}

/** What a process of this machine has used between two marks, as the kernel counts it. */
export class ProcessWatch {
  readonly #pid: number;
  #sinceMs = performance.now();
  #usedS: number;

  constructor(pid: number) {
    this.#pid = pid;
    this.#usedS = processorS(pid);
  }

  mark(): ProcessFigures {
    const nowMs = performance.now();
    const usedS = processorS(this.#pid);
    const spanS = (nowMs - this.#sinceMs) / 1000;
    const cpuPct = spanS === 0 ? 0 : ((usedS - this.#usedS) / spanS) * 100;
    this.#sinceMs = nowMs;
    this.#usedS = usedS;
    const status = readFileSync(`/proc/${this.#pid}/status`, "utf8");
    const mb = (name: string) =>
      Math.round((Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) * 1024) / 1e5) / 10;
    const one = (value: number) => Math.round(value * 10) / 10;
    return { seconds: one(spanS), rssMb: mb("VmRSS"), peakRssMb: mb("VmHWM"), cpuPct: one(cpuPct) };
  }
}

function processorS(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}
