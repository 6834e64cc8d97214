import { expect, test, vi } from "vitest";
import { systemClock } from "../../../gateway/system-clock.ts";
import { movingPictures, serveCamera, watchCamera } from "../../fakes/camera-rig.ts";
import { needRigs } from "../../fakes/rigs.ts";

const SOON = { timeout: 25_000, interval: 20 };

test("a camera that sets its clock back is taken anew at once, and goes on with pictures and clips", async (context) => {
  needRigs(context, "ffmpeg");
  const { feed, url } = await serveCamera(await movingPictures({ codec: "h264", fps: 10 }));
  const analysis = { widthPx: 160, framesPerS: 5, decode: "all" } as const;
  const clock = systemClock();
  const { camera, said } = watchCamera({ url, analysis }, { clock });
  // By less than it has run, or a minute more, pictures for judgement are passed over. By more they go on: only the copy stands still.
  for (const [round, byMs] of [-40_000, -3_600_000].entries()) {
    await vi.waitFor(() => expect([camera.state, camera.facts.captures]).toEqual(["live", round + 1]), SOON);
    const fragments: number[] = [];
    const stop = camera.onMedia(({ toMs }) => fragments.push(toMs));
    await vi.waitFor(() => expect(fragments.length).toBeGreaterThan(2), SOON);
    stop();
    feed.setClock(byMs);
    await vi.waitFor(() => expect(camera.facts.captures).toBe(round + 2), { ...SOON, timeout: 8000 });
    const lost = said.filter(({ state }) => state === "offline");
    expect(lost).toHaveLength(round + 1);
    expect(lost[round]).toMatchObject({ code: "CAPTURE_STREAM", message: expect.stringContaining("clock") });
  }
  await vi.waitFor(() => expect(camera.state).toBe("live"), SOON);
  const fromUpMs = clock.upMs() + 500;
  const [cut] = await vi.waitFor(async () => {
    const cuts = await camera.ring.cut(fromUpMs, fromUpMs + 1500);
    expect((cuts[0]?.toUpMs ?? 0) - fromUpMs).toBeGreaterThanOrEqual(1500);
    return cuts;
  }, SOON);
  expect(cut?.fromUpMs).toBeLessThanOrEqual(fromUpMs);
});
