import { statSync } from "node:fs";

/** systemd-timesyncd makes this file at its first synchronisation and it is gone after a boot. */
const TIMESYNCD_MARK = "/run/systemd/timesync/synchronized";
/** chronyd rewrites its drift file hourly, as long as it has a source that it trusts. */
const CHRONY_PID = "/run/chrony/chronyd.pid";
const CHRONY_DRIFT = ["/var/lib/chrony/chrony.drift", "/var/lib/chrony/drift"];
export const CHRONY_FRESH_MS = 2 * 3_600_000;

/** Whether the system's clock is disciplined by NTP, as far as the daemons leave a mark on the disk. */
export function isNtpSynchronised(systemMs: number, root = ""): boolean {
  if (modifiedMs(root + TIMESYNCD_MARK) !== undefined) return true;
  if (modifiedMs(root + CHRONY_PID) === undefined) return false;
  return CHRONY_DRIFT.some((path) => {
    const atMs = modifiedMs(root + path);
    return atMs !== undefined && Math.abs(systemMs - atMs) < CHRONY_FRESH_MS;
  });
}

/** What this account may not look at is not known: chronyd shuts its folders to others. */
function modifiedMs(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  } catch {
    return undefined;
  }
}
