import type { CameraState } from "./contracts/vision.ts";
import type { Metric, MetricSample } from "./local/exposition.ts";

/** What of one camera is counted since the start. */
export interface CameraNumbers {
  readonly id: string;
  readonly state: CameraState;
  readonly pictures: number;
  /** Came while the judge was busy, and were written over. */
  readonly skipped: number;
  readonly captures: number;
  readonly ringBytes: number;
  /** Undefined where no rule looks through it. */
  readonly judged: JudgedNumbers | undefined;
}

export interface JudgedNumbers {
  /** Seen by the motion gate, let through by it, and lost because no detector ran. */
  readonly frames: number;
  readonly judged: number;
  readonly failed: number;
  /** Of those judged, from the picture's arrival to its verdict. */
  readonly delayMs: number;
}

export interface VisionNumbers {
  readonly cameras: readonly CameraNumbers[];
  readonly inference: { readonly isReady: boolean; readonly inferences: number; readonly starts: number } | undefined;
}

const NO_CAMERAS: VisionNumbers = { cameras: [], inference: undefined };

/** A gateway without cameras has these names too, without values. */
export function visionMetrics({ cameras, inference }: VisionNumbers = NO_CAMERAS): readonly Metric[] {
  const of = (value: (camera: CameraNumbers) => number): readonly MetricSample[] =>
    cameras.map((camera) => ({ labels: { camera: camera.id }, value: value(camera) }));
  const judgedOf = (value: (numbers: JudgedNumbers) => number): readonly MetricSample[] =>
    cameras.flatMap(({ id, judged }) =>
      judged === undefined ? [] : [{ labels: { camera: id }, value: value(judged) }],
    );
  const one = (value: number | undefined): readonly MetricSample[] => (value === undefined ? [] : [{ value }]);
  return [
    gauge(
      "camera_live",
      "Whether a camera gives pictures",
      of(({ state }) => Number(state === "live")),
    ),
    gauge(
      "camera_ring_bytes",
      "Video that clips can be cut from",
      of(({ ringBytes }) => ringBytes),
    ),
    counter(
      "camera_captures_total",
      "Times that a camera was connected to",
      of(({ captures }) => captures),
    ),
    counter(
      "camera_pictures_total",
      "Small pictures that came",
      of(({ pictures }) => pictures),
    ),
    counter(
      "camera_skipped_total",
      "Small pictures that a newer one replaced before anybody took them",
      of(({ skipped }) => skipped),
    ),
    counter(
      "judge_frames_total",
      "Pictures that the motion gate looked at",
      judgedOf(({ frames }) => frames),
    ),
    counter(
      "judge_judged_total",
      "Pictures that were worth the detector's time",
      judgedOf(({ judged }) => judged),
    ),
    counter(
      "judge_failed_total",
      "Pictures that no detector could judge",
      judgedOf(({ failed }) => failed),
    ),
    counter(
      "judge_delay_seconds_total",
      "From the arrival of each judged picture to its verdict, summed",
      judgedOf(({ delayMs }) => delayMs / 1000),
    ),
    gauge("inference_ready", "Whether the detector's process runs", one(inference && Number(inference.isReady))),
    counter("inference_starts_total", "Starts of the detector's process", one(inference?.starts)),
    counter("inferences_total", "Pictures that the detector judged", one(inference?.inferences)),
  ];
}

function gauge(name: string, help: string, samples: readonly MetricSample[]): Metric {
  return { name: `shao_gateway_${name}`, type: "gauge", help, samples };
}

function counter(name: `${string}_total`, help: string, samples: readonly MetricSample[]): Metric {
  return { name: `shao_gateway_${name}`, type: "counter", help, samples };
}
