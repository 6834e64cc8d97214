import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";

/**
 * Which other process has the port open, as far as this account may see (Linux; elsewhere nobody is found). The maker of
 * a pseudo terminal does not count: it holds the other end.
 * @returns e.g. `minicom (pid 4711)`
 */
export function portHolder(path: string): string | undefined {
  const target = attempt(() => realpathSync(path));
  if (target === undefined) return undefined;
  for (const pid of attempt(() => readdirSync("/proc")) ?? []) {
    if (!/^[0-9]+$/.test(pid) || Number(pid) === process.pid) continue;
    const open = openFiles(pid);
    if (open.includes(target) && !open.includes("/dev/ptmx") && !open.includes("/dev/pts/ptmx")) {
      return `${attempt(() => readFileSync(`/proc/${pid}/comm`, "utf8").trim()) ?? "a program"} (pid ${pid})`;
    }
  }
  return undefined;
}

function openFiles(pid: string): string[] {
  const numbers = attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  return numbers.map((number) => attempt(() => readlinkSync(`/proc/${pid}/fd/${number}`)) ?? "");
}

/** Processes end and files close while we look: that is no error here. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
