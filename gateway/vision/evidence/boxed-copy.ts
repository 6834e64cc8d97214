import type { SeenObject } from "../../contracts/vision.ts";
import { isOfClass } from "../models/seen-labels.ts";

const CAUSE = "#ff3b30";
const OTHER = "#ffd60a";
const QUALITY = 88;

/**
 * A copy of a picture with boxes and labels drawn on it, and what may not be shown to everyone blurred. The picture itself
 * is not touched.
 * @param caption one line at the foot: where, when, what judged
 */
export async function boxedCopy(
  jpegPath: string,
  objects: readonly SeenObject[],
  blur: readonly string[],
  caption: string,
): Promise<Uint8Array> {
  // 20 MB of a library that only an alarm needs.
  const { default: sharp } = await import("sharp");
  sharp.cache(false);
  sharp.concurrency(1);
  const picture = sharp(jpegPath);
  const { width, height } = await picture.metadata();
  const hidden = objects.filter(({ label }) => isOfClass(label, blur)).map((object) => pixelBox(object, width, height));
  const patches = await Promise.all(
    hidden.map(async (box) => ({
      input: await sharp(jpegPath)
        .extract(box)
        .blur(Math.max(4, Math.min(box.width, box.height) / 4))
        .toBuffer(),
      left: box.left,
      top: box.top,
    })),
  );
  const overlay = { input: Buffer.from(drawing(objects, width, height, caption)), left: 0, top: 0 };
  return picture
    .composite([...patches, overlay])
    .jpeg({ quality: QUALITY, chromaSubsampling: "4:4:4" })
    .toBuffer();
}

interface PixelBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function pixelBox({ box: [left, top, boxWidth, boxHeight] }: SeenObject, width: number, height: number): PixelBox {
  const x = Math.round(Math.min(Math.max(0, left), 1) * (width - 1));
  const y = Math.round(Math.min(Math.max(0, top), 1) * (height - 1));
  const right = Math.round(Math.min(Math.max(0, left + boxWidth), 1) * width);
  const bottom = Math.round(Math.min(Math.max(0, top + boxHeight), 1) * height);
  return { left: x, top: y, width: Math.max(1, right - x), height: Math.max(1, bottom - y) };
}

function drawing(objects: readonly SeenObject[], width: number, height: number, caption: string): string {
  const size = Math.max(11, Math.round(height / 40));
  const stroke = Math.max(2, Math.round(height / 300));
  const boxes = objects.map((object) => {
    const box = pixelBox(object, width, height);
    const color = object.isCause ? CAUSE : OTHER;
    const words = `${object.label} ${Math.round(object.score * 100)} %`;
    const y = box.top > size * 1.4 ? box.top - size * 0.4 : box.top + size * 1.2;
    return (
      `<rect x="${box.left}" y="${box.top}" width="${box.width}" height="${box.height}" fill="none" stroke="${color}" stroke-width="${stroke}"/>` +
      `<text x="${box.left + 2}" y="${y}" class="t" fill="${color}">${escaped(words)}</text>`
    );
  });
  const foot = `<rect x="0" y="${height - size * 1.6}" width="${width}" height="${size * 1.6}" fill="#000" fill-opacity="0.55"/>`;
  const style = `<style>.t{font:600 ${size}px sans-serif;paint-order:stroke;stroke:#000;stroke-width:${stroke * 2}px}</style>`;
  const text = `<text x="${size / 2}" y="${height - size * 0.5}" class="t" fill="#fff">${escaped(caption)}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${style}${boxes.join("")}${foot}${text}</svg>`;
}

function escaped(text: string): string {
  return text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
