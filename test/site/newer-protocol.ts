import { registerHooks } from "node:module";
import { isMainThread } from "node:worker_threads";

/**
 * Loaded before a gateway (`--import`, in its threads too), it makes one of a version that is still to come: it writes version 2
 * beside 1, every record and every body has a field that nobody knows yet, and every third word about a device is of a kind that
 * nobody knows.
 */
const CHANGES: Readonly<Record<string, (source: string) => string>> = {
  "/protocol/limits.ts": (source) =>
    changed(
      changed(source, "PROTOCOL_VERSION = 1;", "PROTOCOL_VERSION = 2;"),
      "READABLE_VERSIONS: readonly number[] = [1];",
      "READABLE_VERSIONS: readonly number[] = [2, 1];",
    ),
  "/protocol/record-encode.ts": (source) =>
    changed(
      changed(
        source,
        "timeQuality, kind, device, subject });",
        'timeQuality, kind: later(kind), device, subject, later: { of: "2" } });',
      ),
      "JSON.stringify(body);",
      'JSON.stringify({ ...(body as object), later: ["a field", { of: "version 2" }] });',
    ) +
    '\nlet written = 0;\nfunction later(kind: string): string {\n  return kind === "device" && written++ % 3 === 2 ? "later-device" : kind;\n}\n',
};

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    const change = Object.entries(CHANGES).find(([path]) => url.endsWith(path))?.[1];
    if (change === undefined || loaded.source == null) return loaded;
    return { ...loaded, source: change(Buffer.from(loaded.source as Uint8Array).toString()) };
  },
});

/** One that changes nothing would prove nothing. */
function changed(source: string, from: string, to: string): string {
  if (!source.includes(from)) throw new Error(`newer-protocol.ts no longer fits: ${from} (${isMainThread})`);
  return source.replace(from, to);
}
