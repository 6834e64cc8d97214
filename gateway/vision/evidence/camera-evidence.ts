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
import { type MediaJobs, removeFiles } from "./media-jobs.ts";
import type { PendingRequests } from "./pending-requests.ts";

/** The ring holds a moment this much after it, at the latest. */
const RING_DELAY_MS = 1500;
/** How long a snapshot waits for its moment to be in the ring. */
const SNAPSHOT_WITHIN_MS = 6000;
const LOOK_EVERY_MS = 250;
/** A better picture than this much beside the first is a picture of its own. */
const OTHER_MOMENT_MS = 400;
const MAX_CLIPS = 3;

export interface CameraEvidenceOptions {
  readonly cameras: readonly Camera[];
  readonly jobs: MediaJobs;
  readonly taker: EvidenceTaker;
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
  #cuts = 0;

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
    const footage = this.#footage(request, first);
    const cutFiles = footage.then(filesOf, () => []);
    try {
      for (const id of [stillId, clipId]) await pending.add(this.#record(request, id, [], false));
      await this.#take(stillId, request, () => this.#still(request, first));
      await this.#take(clipId, request, async () => this.#clip(request, await footage));
    } catch (error) {
      const fields = { code: "CAMERA_EVIDENCE", camera: request.cameraId, alarmId: request.alarmId };
      log.error({ ...fields, error: String(error) }, "evidence of a camera not taken");
    } finally {
      await removeFiles(await cutFiles);
    }
  }

  async #take(evidenceId: string, request: Request, work: () => Promise<Taken>): Promise<void> {
    const { taker, pending, log } = this.#options;
    let taken: Taken;
    try {
      taken = await work();
    } catch (error) {
      const fields = { code: "CAMERA_EVIDENCE", camera: request.cameraId, evidenceId };
      log.error({ ...fields, error: String(error) }, "a picture or clip could not be made");
      taken = { media: [], missing: [{ name: "camera", reason: reasonOf(error) }], files: [] };
    }
    const { media, missing, files } = taken;
    await taker.take({ record: this.#record(request, evidenceId, missing, media.length > 0), media });
    await removeFiles(files);
    await pending.done(evidenceId);
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

  async #still(request: Request, best: JudgedPicture | undefined): Promise<Taken> {
    const upMs = best?.upMs ?? request.raisedUpMs;
    const cut = await this.#cutAround(request.camera, upMs);
    if (cut === undefined) return { media: [], missing: [this.#absent(request, "snapshot")], files: [] };
    return this.#pictures(request, cut, upMs, best);
  }

  /** The camera may be half a second behind: its ring is asked until the moment is in it. */
  async #cutAround(camera: Camera, upMs: number): Promise<RingCut | undefined> {
    const { clock, signal } = this.#options;
    const untilUpMs = clock.upMs() + SNAPSHOT_WITHIN_MS;
    for (;;) {
      const [cut] = await camera.ring.cut(upMs, upMs + 1);
      if (cut !== undefined) return cut;
      const mayCome = camera.state === "live" || camera.state === "connecting";
      if (signal.aborted || clock.upMs() >= untilUpMs || !mayCome) break;
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
    // What came last before it, or first after it, is better than nothing, and says its own time.
    const [near] = await camera.ring.cut(upMs - SNAPSHOT_WITHIN_MS, upMs + SNAPSHOT_WITHIN_MS);
    return near;
  }

  async #pictures(request: Request, cut: RingCut, upMs: number, best: JudgedPicture | undefined): Promise<Taken> {
    const path = `${cut.path}.jpg`;
    const files = [cut.path, path];
    // The last picture of a cut begins before its end.
    const offsetMs = Math.max(0, Math.min(upMs, cut.toUpMs - 300) - cut.fromUpMs);
    await this.#options.jobs.picture(cut.path, offsetMs, path);
    const atMs = this.#atMs(cut.fromUpMs + offsetMs);
    const times = { fromMs: atMs, toMs: atMs };
    const original = { name: "snapshot", type: "snapshot", media: "image/jpeg", ...times, from: { path } } as const;
    if (best === undefined || best.objects.length === 0) return { media: [original], missing: [], files };
    try {
      const bytes = await boxedCopy(path, best.objects, request.camera.settings.blur, this.#caption(request, atMs));
      const copy = { ...original, name: "snapshot-boxes", from: { bytes } };
      return { media: [original, copy], missing: [], files };
    } catch (error) {
      return { media: [original], missing: [{ name: "snapshot-boxes", reason: reasonOf(error) }], files };
    }
  }

  #caption({ cameraId, rule, judgedBy }: Request, atMs: number): string {
    const model = judgedBy === undefined ? "" : ` · ${judgedBy.model.name} ${judgedBy.model.sha256.slice(0, 8)}`;
    return `${cameraId} · ${new Date(atMs).toISOString()} · ${rule}${model}`;
  }

  // ---- clips ----

  /** What the ring holds of the clip's time, and of the picture that proves most, which may have come after the first. */
  async #footage(request: Request, first: JudgedPicture | undefined): Promise<Footage> {
    const { clock, signal } = this.#options;
    const { clipBeforeS, clipAfterS } = request.camera.settings;
    const fromUpMs = request.raisedUpMs - clipBeforeS * 1000;
    const toUpMs = request.raisedUpMs + clipAfterS * 1000;
    await clock.sleep(Math.max(0, toUpMs + RING_DELAY_MS - clock.upMs()), signal);
    const wasCutShort = signal.aborted && clock.upMs() < toUpMs;
    const cuts = await request.camera.ring.cut(fromUpMs, toUpMs);
    const missing: MissingPart[] = cuts.length === 0 ? [this.#absent(request, "clip")] : [];
    if (wasCutShort) missing.push({ name: "clip-end", reason: "the node ended before the clip did" });
    missing.push(...gaps(cuts, fromUpMs, toUpMs));
    const best = request.best?.();
    if (best === undefined || first === undefined || Math.abs(best.upMs - first.upMs) < OTHER_MOMENT_MS) {
      return { cuts, missing };
    }
    const [cut] = await request.camera.ring.cut(best.upMs, best.upMs + 1);
    return { cuts, missing, ...(cut === undefined ? {} : { better: { cut, best } }) };
  }

  async #clip(request: Request, { cuts, missing, better }: Footage): Promise<Taken> {
    const media: MediaFile[] = [];
    const files: string[] = [];
    for (const [index, cut] of cuts.slice(0, MAX_CLIPS).entries()) {
      const path = `${cut.path}.${this.#cuts++}.whole.mp4`;
      await this.#options.jobs.clip(cut.path, path, cut.header.codec === "h265");
      files.push(path);
      media.push({
        name: index === 0 ? "clip" : `clip-${index + 1}`,
        type: "clip",
        media: "video/mp4",
        fromMs: this.#atMs(cut.fromUpMs),
        toMs: this.#atMs(cut.toUpMs),
        from: { path },
      });
    }
    if (better === undefined) return { media, missing, files };
    const pictures = await this.#pictures(request, better.cut, better.best.upMs, better.best);
    return {
      media: [...media, ...pictures.media],
      missing: [...missing, ...pictures.missing],
      files: [...files, ...pictures.files],
    };
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
  readonly cuts: readonly RingCut[];
  readonly missing: readonly MissingPart[];
  readonly better?: { readonly cut: RingCut; readonly best: JudgedPicture };
}

function filesOf({ cuts, better }: Footage): readonly string[] {
  return [...cuts, ...(better === undefined ? [] : [better.cut])].map(({ path }) => path);
}

interface Taken {
  readonly media: readonly MediaFile[];
  readonly missing: readonly MissingPart[];
  /** To be removed once they are in custody. */
  readonly files: readonly string[];
}

/** What of a window the clips do not hold, in whole seconds. */
function gaps(cuts: readonly RingCut[], fromUpMs: number, toUpMs: number): readonly MissingPart[] {
  if (cuts.length === 0) return [];
  let heldMs = 0;
  let reachedMs = fromUpMs;
  for (const cut of cuts.toSorted((a, b) => a.fromUpMs - b.fromUpMs)) {
    const from = Math.max(cut.fromUpMs, reachedMs);
    const to = Math.min(cut.toUpMs, toUpMs);
    if (to > from) heldMs += to - from;
    reachedMs = Math.max(reachedMs, to);
  }
  const lackingS = Math.round((toUpMs - fromUpMs - heldMs) / 1000);
  if (lackingS < 1) return [];
  const wholeS = Math.round((toUpMs - fromUpMs) / 1000);
  return [
    {
      name: "clip-gap",
      reason: `${lackingS} of ${wholeS} s are not there: the camera was away or its ring had no room`,
    },
  ];
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
