import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";

/** A file for one secret that only its owner reads; what root writes into `/etc/shao` also the service, whose group that folder has. */
export function writeSecret(path: string, secret: string): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, `${secret}\n`, { mode: 0o600 });
  chmodSync(path, 0o600);
  const { gid } = statSync(folder);
  if (process.getuid?.() !== 0 || gid === 0) return;
  chownSync(path, 0, gid);
  chmodSync(path, 0o640);
}
