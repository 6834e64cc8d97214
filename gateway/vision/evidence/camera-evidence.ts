import { randomBytes } from "node:crypto";
import type { Clock } from "../../../drivers/driver.ts";
import type { EvidenceBody, EvidenceCapture, MissingPart } from "../../../protocol/evidence.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import type { EvidenceTaker, MediaFile } from "../../contracts/evidence.ts";
import type { Logger } from "../../contracts/logger.ts";
import type { CameraEvidence, CameraEvidenceRequest, JudgedPicture } from "../../contracts/vision.ts";
import type { Camera } from "../capture/camera.ts";
import type { RingCut } from "../capture/clip-ring.ts";
import { boxedCopy } from "./boxed-copy.ts";
import { clipCut, clipFiles } from "./clip-files.ts";
import type { MediaJobs } from "./media-jobs.ts";
import type { PendingRequests } from "./pending-requests.ts";
import { ScratchFiles } from "./scratch-files.ts";

/** The ring holds a moment this much after it, at the latest. */
const RING_DELAY_MS = 1500;
/** How long a snapshot waits for its moment to be in the ring. */
const SNAPSHOT_WITHIN_MS = 6000;
const LOOK_EVERY_MS = 250;
/** A better picture than this much beside the first is a picture of its own. */
const OTHER_MOMENT_MS = 400;
/** Before the end of a cut; its last picture is there. */
const LAST_PICTURE_MS = 300;
const BOXES = "snapshot-boxes";

export interface CameraEvidenceOptions {
  readonly cameras: readonly Camera[];
  readonly jobs: MediaJobs;
  readonly taker: Pick<EvidenceTaker, "take">;
  readonly pending: PendingRequests;
  readonly clock: Clock;
  readonly stamp: () => Pick<NewRecord, "upMs" | "atMs" | "timeQuality">;
  readonly log: Logger;
  /** Cuts what is there at once and says that it is not all. */
  readonly signal: AbortSignal;
}

interface Request extends CameraEvidenceRequest {
  readonly camera: Camera;
}

/** Pictures and clips of cameras, cut from their rings and handed into custody. */
export class RingEvidence implements CameraEvidence {
  readonly #options: CameraEvidenceOptions;
  readonly #running = new Set<Promise<void>>();

  constructor(options: CameraEvidenceOptions) {
    this.#options = options;
  }

  request(request: CameraEvidenceRequest): readonly string[] {
    const camera = this.#options.cameras.find(({ settings }) => settings.id === request.cameraId);
    if (camera === undefined) return [];
    const id = `${request.alarmId}-${request.cameraId.slice(0, 12)}-${randomBytes(2).toString("hex")}`;
    const ids = [`${id}-still`, `${id}-clip`] as const;
    const running = this.#serve({ ...request, camera }, ids).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return ids;
  }

  /** Resolves once everything that was asked is in custody. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async #serve(request: Request, [stillId, clipId]: readonly [string, string]): Promise<void> {
    const { pending, log } = this.#options;
    const first = request.best?.();
    // Both are cut when they are due: the ring forgets, however long the still waits for its picture.
    const scratch = new ScratchFiles();
    const footage = this.#footage(request, first, scratch);
    const isCut = footage.then(
      () => {},
      () => {},
    );
    try {
      for (const id of [stillId, clipId]) await pending.add(this.#record(request, id, [], false));
      await this.#take(stillId, request, (own) => this.#still(request, first, own));
      await this.#take(clipId, request, async (own) => this.#clip(request, await footage, own));
    } catch (error) {
      const fields = { code: "CAMERA_EVIDENCE", camera: request.cameraId, alarmId: request.alarmId };
      log.error({ ...fields, error: String(error) }, "evidence of a camera not taken");
    } finally {
      await isCut;
      await scratch.remove();
    }
  }

  async #take(evidenceId: string, request: Request, work: (scratch: ScratchFiles) => Promise<Taken>): Promise<void> {
    const { taker, pending, log } = this.#options;
    const scratch = new ScratchFiles();
    try {
      const { media, missing } = await work(scratch).catch((error: unknown): Taken => {
        const fields = { code: "CAMERA_EVIDENCE", camera: request.cameraId, evidenceId };
        log.error({ ...fields, error: String(error) }, "a picture or clip could not be made");
        return { media: [], missing: [{ name: "camera", reason: reasonOf(error) }] };
      });
      await taker.take({ record: this.#record(request, evidenceId, missing, media.length > 0), media });
      await pending.done(evidenceId);
    } finally {
      await scratch.remove();
    }
  }

  #record(request: Request, evidenceId: string, missing: readonly MissingPart[], hasMedia: boolean) {
    const { alarmId, subject, position, rule, ruleSet, judgedBy, camera } = request;
    const body: EvidenceBody = {
      evidenceId,
      alarmId,
      parts: [],
      missing: [...missing],
      rule,
      ...(ruleSet === undefined ? {} : { ruleSet }),
      ...(position === undefined ? {} : { position }),
      ...(judgedBy === undefined ? {} : { judgedBy: judgeOf(judgedBy) }),
      ...(hasMedia ? { capture: captureOf(camera) } : {}),
    };
    const about = { device: camera.settings.id, ...(subject === undefined ? {} : { subject }) };
    return { kind: "evidence", ...this.#options.stamp(), ...about, body } as const;
  }

  // ---- pictures ----

  async #still(request: Request, best: JudgedPicture | undefined, scratch: ScratchFiles): Promise<Taken> {
    const upMs = best?.upMs ?? request.raisedUpMs;
    const cut = await this.#cutAround(request.camera, upMs, scratch);
    if (cut === undefined) return { media: [], missing: [this.#absent(request, "snapshot")] };
    return this.#pictures(request, cut, upMs, best, scratch);
  }

  /** The camera may be half a second behind: its ring is asked until the moment is in it. */
  async #cutAround(camera: Camera, upMs: number, scratch: ScratchFiles): Promise<RingCut | undefined> {
    const { clock, signal } = this.#options;
    const untilUpMs = clock.upMs() + SNAPSHOT_WITHIN_MS;
    for (;;) {
      const [cut] = await cutFrom(camera, upMs, upMs + 1, scratch);
      if (cut !== undefined) return cut;
      const mayCome = camera.state === "live" || camera.state === "connecting";
      if (signal.aborted || clock.upMs() >= untilUpMs || !mayCome) break;
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
    // What came last before it, or first after it, is better than nothing, and says its own time.
    const near = await cutFrom(camera, upMs - SNAPSHOT_WITHIN_MS, upMs + SNAPSHOT_WITHIN_MS, scratch);
    return near.toSorted((a, b) => awayMs(a, upMs) - awayMs(b, upMs))[0];
  }

  async #pictures(
    request: Request,
    cut: RingCut,
    upMs: number,
    best: JudgedPicture | undefined,
    scratch: ScratchFiles,
  ): Promise<Taken> {
    const path = scratch.add(`${cut.path}.jpg`);
    // The last picture of a cut begins before its end.
    const offsetMs = Math.max(0, Math.min(upMs, cut.toUpMs - LAST_PICTURE_MS) - cut.fromUpMs);
    await this.#options.jobs.picture(cut.path, offsetMs, path);
    const shownUpMs = cut.fromUpMs + offsetMs;
    const atMs = this.#atMs(shownUpMs);
    const times = { fromMs: atMs, toMs: atMs };
    const original = { name: "snapshot", type: "snapshot", media: "image/jpeg", ...times, from: { path } } as const;
    if (best === undefined || best.objects.length === 0) return { media: [original], missing: [] };
    const without = (reason: string): Taken => ({ media: [original], missing: [{ name: BOXES, reason }] });
    // Where things were is not where they are: a box would point at nothing, and a face would not be blurred.
    if (Math.abs(shownUpMs - best.upMs) > OTHER_MOMENT_MS) return without("the picture that was judged is not there");
    try {
      const bytes = await boxedCopy(path, best.objects, request.camera.settings.blur, this.#caption(request, atMs));
      return { media: [original, { ...original, name: BOXES, from: { bytes } }], missing: [] };
    } catch (error) {
      return without(reasonOf(error));
    }
  }

  #caption({ cameraId, rule, judgedBy }: Request, atMs: number): string {
    const model = judgedBy === undefined ? "" : ` · ${judgedBy.model.name} ${judgedBy.model.sha256.slice(0, 8)}`;
    return `${cameraId} · ${new Date(atMs).toISOString()} · ${rule}${model}`;
  }

  // ---- clips ----

  /** What the ring holds of the clip's time, and of the picture that proves most, which may have come after the first. */
  async #footage(request: Request, first: JudgedPicture | undefined, scratch: ScratchFiles): Promise<Footage> {
    const { clock, signal } = this.#options;
    const { camera, raisedUpMs } = request;
    const { clipBeforeS, clipAfterS } = camera.settings;
    const window = { fromUpMs: raisedUpMs - clipBeforeS * 1000, toUpMs: raisedUpMs + clipAfterS * 1000 };
    await clock.sleep(Math.max(0, window.toUpMs + RING_DELAY_MS - clock.upMs()), signal);
    const wasCutShort = signal.aborted && clock.upMs() < window.toUpMs;
    const { stretches, missing } = clipCut(await cutFrom(camera, window.fromUpMs, window.toUpMs, scratch), window);
    const all: MissingPart[] = stretches.length === 0 ? [this.#absent(request, "clip")] : [];
    if (wasCutShort) all.push({ name: "clip-end", reason: "the node ended before the clip did" });
    all.push(...missing);
    const best = request.best?.();
    if (best === undefined || first === undefined || Math.abs(best.upMs - first.upMs) < OTHER_MOMENT_MS) {
      return { stretches, missing: all };
    }
    const [cut] = await cutFrom(camera, best.upMs, best.upMs + 1, scratch);
    return { stretches, missing: all, ...(cut === undefined ? {} : { better: { cut, best } }) };
  }

  async #clip(request: Request, { stretches, missing, better }: Footage, scratch: ScratchFiles): Promise<Taken> {
    const media = await clipFiles(stretches, this.#options.jobs, scratch, (upMs) => this.#atMs(upMs));
    if (better === undefined) return { media, missing };
    const pictures = await this.#pictures(request, better.cut, better.best.upMs, better.best, scratch);
    return { media: [...media, ...pictures.media], missing: [...missing, ...pictures.missing] };
  }

  #absent({ camera, cameraId }: Request, name: string): MissingPart {
    const { state, code } = camera.health;
    const reason = `no video of this time from camera ${cameraId}: ${code ?? camera.ring.trouble ?? state}`;
    return { name, reason };
  }

  #atMs(upMs: number): number {
    const now = this.#options.stamp();
    return Math.max(0, Math.round(now.atMs - (this.#options.clock.upMs() - upMs)));
  }
}

/** Cut, and not made into files that people can play. */
interface Footage {
  readonly stretches: readonly RingCut[];
  readonly missing: readonly MissingPart[];
  readonly better?: { readonly cut: RingCut; readonly best: JudgedPicture };
}

interface Taken {
  readonly media: readonly MediaFile[];
  readonly missing: readonly MissingPart[];
}

async function cutFrom(camera: Camera, fromUpMs: number, toUpMs: number, scratch: ScratchFiles) {
  const cuts = await camera.ring.cut(fromUpMs, toUpMs);
  for (const { path } of cuts) scratch.add(path);
  return cuts;
}

/** How far a stretch is from a moment. */
function awayMs({ fromUpMs, toUpMs }: RingCut, upMs: number): number {
  return Math.max(0, fromUpMs - upMs, upMs - toUpMs);
}

function captureOf({ settings, header, isTranscoded }: Camera): EvidenceCapture {
  const kept = header?.hasSound === true ? "transcoded" : "none";
  return { video: isTranscoded ? "transcoded" : "copied", sound: settings.sound === "drop" ? "dropped" : kept };
}

function judgeOf({ ruleVersion, model, classifier }: NonNullable<CameraEvidenceRequest["judgedBy"]>) {
  return { ruleVersion, model, ...(classifier === undefined ? {} : { classifier }) };
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 200);
}
