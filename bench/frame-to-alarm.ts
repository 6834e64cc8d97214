import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { CameraFeed } from "../cli/sim/camera/feed.ts";
import { encodeInput, type Recording } from "../cli/sim/camera/recording.ts";
import { RtspServer } from "../cli/sim/camera/rtsp-server.ts";
import { openForReading, storedRows } from "../gateway/journal/inspect.ts";
import { decodeRecord, isKind } from "../protocol/record-codec.ts";
import { median } from "./first-reading.ts";
import { startShao, stopped } from "./process-figures.ts";
import { type BenchRow, rounded } from "./report.ts";

const CLIP = fileURLToPath(new URL("../models/site-watch/scenes/uncovered-at-night.mp4", import.meta.url));
const VISITS = 8;
const STANDS_MS = 5000;
/** Until what stood there is given up. */
const EMPTY_MS = 12_000;
const FIRST_MS = 20_000;

/**
 * A truck stands at the gate from one picture to the next: from that picture's sending by the camera to the moment of its
 * alarm, with no dwell asked. Two pictures a second are judged, so half a second of it is waiting at worst.
 */
export async function frameToAlarmRows(others: readonly string[]): Promise<readonly BenchRow[]> {
  const empty = await scene("0", "2");
  const standing = await scene("8", "3");
  const feed = new CameraFeed(empty);
  const sentAtMs: number[] = [];
  let last: Recording | undefined;
  feed.subscribe((_unit, _timestamp, recording) => {
    if (recording === standing && last !== standing) sentAtMs.push(Date.now());
    last = recording;
  });
  const server = await RtspServer.start({ feeds: { "/gate": feed } });
  const folder = await mkdtemp(join(tmpdir(), "shao-bench-"));
  const [config, state] = [join(folder, "gateway.yaml"), join(folder, "state")];
  const cameras = { gate: { url: `rtsp://127.0.0.1:${server.port}/gate`, clipBeforeS: 1, clipAfterS: 1 } };
  const more = others.map((url, index) => [`camera-${index}`, { url }] as const);
  const rule = { kind: "violation", classes: ["truck"], dwellS: 0, coolDownS: 0 };
  const whole = {
    ...{ node: "bench-node", site: { name: "Bench", timeZone: "Asia/Shanghai" }, state },
    bridge: { url: "mqtt://127.0.0.1:9", insecureLoopback: true },
    cameras: { ...cameras, ...Object.fromEntries(more) },
    rules: {
      gate: { ...rule, cameras: ["gate"] },
      ...(more.length === 0 ? {} : { others: { ...rule, minScore: 1, cameras: more.map(([id]) => id) } }),
    },
  };
  await writeFile(config, JSON.stringify(whole));
  const gateway = startShao(["gateway", "--config", config]);
  try {
    await wait(FIRST_MS);
    for (let visit = 0; visit < VISITS; visit++) {
      feed.play(standing);
      await wait(STANDS_MS);
      feed.play(empty);
      await wait(EMPTY_MS);
    }
    const raised = raisedAtMs(state);
    const latencies = sentAtMs.flatMap((sent) => {
      const alarm = raised.find((at) => at >= sent && at < sent + STANDS_MS + EMPTY_MS);
      return alarm === undefined ? [] : [alarm - sent];
    });
    if (latencies.length === 0) throw new Error(`no alarm of ${sentAtMs.length} visits: ${gateway.said.join("")}`);
    const note = `median of ${latencies.length} of ${sentAtMs.length} visits, worst ${Math.max(...latencies)}; beside ${more.length} cameras of 720p25; 500 ms between judged pictures`;
    return [
      {
        metric: "frame-to-alarm",
        value: rounded(median(latencies)),
        unit: "ms",
        goal: null,
        peer: null,
        limit: null,
        note,
      },
    ];
  } finally {
    await stopped(gateway);
    feed.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function scene(fromS: string, seconds: string): Promise<Recording> {
  return encodeInput(["-ss", fromS, "-t", seconds, "-i", CLIP], { codec: "h264", fps: 10 });
}

function raisedAtMs(state: string): readonly number[] {
  using journal = openForReading(state);
  return [...storedRows(journal)].flatMap(({ bytes }) => {
    const decoded = decodeRecord(bytes);
    if (!decoded.ok || decoded.known === undefined || !isKind(decoded.known, "alarm")) return [];
    const { body, device } = decoded.known;
    return device === "gate" && body.rev === 1 ? [body.raisedAtMs] : [];
  });
}
