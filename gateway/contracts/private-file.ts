import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Replaces a file that only its owner reads, whole and on the disk: after a power cut there is the old one or the new one. */
export function writePrivateFile(path: string, text: string): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeSynced(`${path}.new`, text, 0o600);
  renameSync(`${path}.new`, path);
  const opened = openSync(folder, "r");
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

/** Writes a file and waits for the disk. */
export function writeSynced(path: string, text: string, mode: number): void {
  const file = openSync(path, "w", mode);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
