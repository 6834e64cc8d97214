const BLOCK = 512;

/** One line of a box's log, as it was written. */
export interface LogLine {
  readonly text: string;
  readonly atMs: number | undefined;
  readonly level: string;
}

/** The log within a diagnostics bundle, oldest first; undefined where it holds none. */
export async function logOf(bundle: Blob): Promise<readonly LogLine[] | undefined> {
  const opened = await new Response(bundle.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  const bytes = new Uint8Array(opened);
  const latin = new TextDecoder("latin1");
  for (let at = 0; at + BLOCK <= bytes.length; ) {
    const name = latin.decode(bytes.subarray(at, at + 100)).replace(/\0.*$/s, "");
    const size = Number.parseInt(latin.decode(bytes.subarray(at + 124, at + 136)), 8);
    if (name === "" || !Number.isFinite(size)) return undefined;
    if (name.endsWith("log.jsonl")) {
      const text = new TextDecoder().decode(bytes.subarray(at + BLOCK, at + BLOCK + size));
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map(lineOf);
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}

function lineOf(line: string): LogLine {
  try {
    const { atMs, level, sentence, fields } = JSON.parse(line) as Record<string, unknown>;
    const when = typeof atMs === "number" ? atMs : undefined;
    return {
      text: `${String(sentence ?? "")} ${JSON.stringify(fields ?? {})}`,
      atMs: when,
      level: String(level ?? ""),
    };
  } catch {
    return { text: line, atMs: undefined, level: "" };
  }
}
