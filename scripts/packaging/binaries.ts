import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { Arch } from "./fetched.ts";
import { filesOf } from "./lay-out.ts";

/** `e_machine` of an ELF file, at byte 18 of its header. @source System V ABI, ELF header */
const MACHINE: Readonly<Record<Arch, number>> = { amd64: 0x3e, arm64: 0xb7 };
const MACHINE_AT = 18;

/** Windows, macOS (one processor and several), WebAssembly. */
const OTHER_FORMATS = ["4d5a", "cffaedfe", "feedfacf", "cafebabe", "0061736d"];

/** Programs and libraries under a folder: how many are for this processor, and which are not. */
export function binariesIn(folder: string, arch: Arch): { readonly own: number; readonly foreign: readonly string[] } {
  let own = 0;
  const foreign: string[] = [];
  for (const path of filesOf(folder)) {
    const head = beginOf(join(folder, path));
    if (head.length === 0) continue;
    if (head.toString("latin1", 0, 4) === "\x7fELF") {
      if (head.length > MACHINE_AT + 1 && head.readUInt16LE(MACHINE_AT) === MACHINE[arch]) own += 1;
      else foreign.push(path);
    } else if (OTHER_FORMATS.some((magic) => head.toString("hex").startsWith(magic))) foreign.push(path);
  }
  return { own, foreign };
}

function beginOf(path: string): Buffer {
  const head = Buffer.alloc(20);
  const file = openSync(path, "r");
  try {
    return head.subarray(0, readSync(file, head, 0, head.length, 0));
  } finally {
    closeSync(file);
  }
}
