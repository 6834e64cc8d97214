import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";

export interface FoundPort {
  /** What a config should say: a path that stays with the adapter, where the system gives one. */
  readonly path: string;
  /** The name of today, e.g. /dev/ttyUSB0. */
  readonly device: string;
  /** No stable path is there: the number may change at the next start. */
  readonly isUnstable: boolean;
}

const STABLE_FOLDERS = ["serial/by-id", "serial/by-path"];
/** Adapters and the ports of small boards; ttyS only where there is hardware behind it. */
const DEVICE_NAME = /^tty(?:USB|ACM|AMA|mxc|O|THS)\d+$|^ttyS\d+$/;

/** Serial ports of this machine (Linux), each once, by-id paths first. @param dev the folder of device files */
export function serialPorts(dev = "/dev"): readonly FoundPort[] {
  const found = new Map<string, FoundPort>();
  for (const folder of STABLE_FOLDERS) {
    for (const name of list(join(dev, folder))) {
      const path = join(dev, folder, name);
      const device = attempt(() => realpathSync(path));
      if (device !== undefined && !found.has(device)) found.set(device, { path, device, isUnstable: false });
    }
  }
  for (const name of list(dev)) {
    const device = join(dev, name);
    if (DEVICE_NAME.test(name) && !found.has(device) && isHardware(name)) {
      // The board's own UARTs keep their numbers.
      found.set(device, { path: device, device, isUnstable: /USB|ACM/.test(name) });
    }
  }
  return [...found.values()];
}

/** Linux makes four ttyS whether or not there is a UART: type 0 says none. */
function isHardware(name: string): boolean {
  if (!name.startsWith("ttyS")) return true;
  const type = attempt(() => readFileSync(`/sys/class/tty/${name}/type`, "utf8").trim());
  return type !== undefined && type !== "0";
}

function list(folder: string): readonly string[] {
  return (attempt(() => readdirSync(folder)) ?? []).toSorted();
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
