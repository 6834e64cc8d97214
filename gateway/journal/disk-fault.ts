import { GatewayError } from "../contracts/gateway-error.ts";

/** What an error of SQLite or of the file system means for the journal. */
export type DiskFault = "full" | "read-only" | "broken";

/** @returns undefined for an error that is not the disk's or the file's */
export function diskFault(error: unknown): DiskFault | undefined {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "SQLITE_FULL" || code === "ENOSPC" || code === "SQLITE_IOERR_SHMSIZE") return "full";
  if (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB") return "broken";
  if (
    code.startsWith("SQLITE_READONLY") ||
    code.startsWith("SQLITE_CANTOPEN") ||
    code.startsWith("SQLITE_IOERR") ||
    code === "EROFS" ||
    code === "EACCES" ||
    code === "EPERM"
  ) {
    return "read-only";
  }
  return undefined;
}

/** The error as the journal's callers see it; one that is not the disk's is passed through. */
export function journalError(error: unknown): unknown {
  if (error instanceof GatewayError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  switch (diskFault(error)) {
    case "full":
      return journalFull(detail, error);
    case "read-only":
      return new GatewayError("JOURNAL_READ_ONLY", `the disk refuses writes: ${detail}`, {
        hint: "Look at `dmesg` and `mount`: a card that fails is remounted read-only. Replace it, or give `state` another disk.",
        cause: error,
      });
    case "broken":
      return new GatewayError("JOURNAL_BROKEN", `the journal file is damaged: ${detail}`, {
        hint: "The gateway starts again, sets the file aside under another name and begins a new one. Look after the disk.",
        cause: error,
      });
    default:
      return error;
  }
}

export function journalFull(detail: string, cause?: unknown): GatewayError {
  return new GatewayError("JOURNAL_FULL", `the journal is full: ${detail}`, {
    hint: "Free space on the disk of `state`, or raise its quota. Alarms are still kept, from a reserve.",
    cause,
  });
}
