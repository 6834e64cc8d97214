import type { Page } from "playwright-core";

/** Of the first video of a page that is there: how wide it is and where it is in time. Run as text: its globals are not ours. */
const FACTS = `(() => {
  const video = [...document.querySelectorAll("video")].find((one) => !one.hidden);
  return video && { widthPx: video.videoWidth, atS: video.currentTime };
})()`;

export interface VideoFacts {
  readonly widthPx: number;
  readonly atS: number;
}

export async function videoFacts(page: Page): Promise<VideoFacts | undefined> {
  return (await page.evaluate(FACTS)) as VideoFacts | undefined;
}
