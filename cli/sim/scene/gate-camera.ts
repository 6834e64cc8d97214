import type { VideoCodec } from "../camera/annex-b.ts";
import { CameraFeed } from "../camera/feed.ts";
import { encodePictures, type Recording } from "../camera/recording.ts";
import { GateScene, type TruckAt } from "./gate-scene.ts";

export interface GateCameraOptions {
  readonly seed: number;
  readonly isNight: boolean;
  readonly codec?: VideoCodec;
  /** 5 where left out: what the second stream of a camera is often set to. */
  readonly fps?: number;
}

const LOOP_S = 3;
const DRIVE_S = 4;
const STAND_WAY = 0.5;

interface Visit {
  readonly arrives: Recording;
  readonly stands: Recording;
  readonly leaves: Recording;
}

/** A camera at the gate of a building site: nobody, until a truck comes, stands and goes. */
export class GateCamera implements Disposable {
  readonly feed: CameraFeed;
  readonly #scene: GateScene;
  readonly #shape: { readonly codec: VideoCodec; readonly fps: number };
  readonly #empty: Recording;
  readonly #visits = new Map<boolean, Promise<Visit>>();
  #frame = 0;
  #standing: Visit | undefined;

  private constructor(scene: GateScene, shape: { codec: VideoCodec; fps: number }, empty: Recording) {
    this.#scene = scene;
    this.#shape = shape;
    this.#empty = empty;
    this.feed = new CameraFeed(empty);
  }

  static async open({ seed, isNight, codec = "h264", fps = 5 }: GateCameraOptions): Promise<GateCamera> {
    const scene = new GateScene({ seed, isNight });
    const shape = { codec, fps };
    let frame = 0;
    return new GateCamera(
      scene,
      shape,
      await film(
        scene,
        shape,
        LOOP_S,
        () => undefined,
        () => frame++,
      ),
    );
  }

  /** Makes ready what will be shown: some seconds of computing. */
  async prepare(isCovered: boolean): Promise<void> {
    await this.#visit(isCovered);
  }

  /** A truck drives up and stands there until `leave`. */
  async arrive(isCovered: boolean): Promise<void> {
    const visit = await this.#visit(isCovered);
    this.#standing = visit;
    this.feed.play(visit.arrives, visit.stands);
  }

  leave(): void {
    const visit = this.#standing;
    this.#standing = undefined;
    if (visit !== undefined) this.feed.play(visit.leaves, this.#empty);
  }

  [Symbol.dispose](): void {
    this.feed.close();
  }

  #visit(isCovered: boolean): Promise<Visit> {
    const known = this.#visits.get(isCovered) ?? this.#filmVisit(isCovered);
    this.#visits.set(isCovered, known);
    return known;
  }

  async #filmVisit(isCovered: boolean): Promise<Visit> {
    const take = (seconds: number, way: (share: number) => number) =>
      film(
        this.#scene,
        this.#shape,
        seconds,
        (share) => ({ isCovered, way: way(share) }),
        () => this.#frame++,
      );
    const arrives = await take(DRIVE_S, (share) => STAND_WAY * (1 - (1 - share) ** 2));
    const stands = await take(LOOP_S, () => STAND_WAY);
    const leaves = await take(DRIVE_S, (share) => STAND_WAY + STAND_WAY * share ** 2);
    return { arrives, stands, leaves };
  }
}

function film(
  scene: GateScene,
  shape: { readonly codec: VideoCodec; readonly fps: number },
  seconds: number,
  truckAt: (share: number) => TruckAt | undefined,
  nextFrame: () => number,
): Promise<Recording> {
  const count = Math.round(seconds * shape.fps);
  async function* pictures(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < count; i++) yield await scene.picture(nextFrame(), truckAt(i / count));
  }
  return encodePictures({ widthPx: scene.widthPx, heightPx: scene.heightPx, pictures: pictures() }, shape);
}
