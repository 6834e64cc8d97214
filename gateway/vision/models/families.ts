import { GatewayError } from "../../contracts/gateway-error.ts";
import { classifier } from "./classifier.ts";
import type { Family } from "./family.ts";
import { rtDetr } from "./rt-detr.ts";
import { yolo } from "./yolo.ts";
import { yolox } from "./yolox.ts";

/** Every family by the names under which a manifest may ask for it. A newcomer is one file and one line. */
export const FAMILIES: Readonly<Record<string, Family>> = {
  yolox,
  yolov8: yolo,
  yolo11: yolo,
  "rt-detr": rtDetr,
  "d-fine": rtDetr,
  classifier,
};

/** @throws GatewayError MODEL_FAMILY */
export function familyOf(name: string): Family {
  const family = Object.hasOwn(FAMILIES, name) ? FAMILIES[name] : undefined;
  if (family !== undefined) return family;
  throw new GatewayError("MODEL_FAMILY", `there is no family ${JSON.stringify(name)} of detectors`, {
    hint: `Known are ${Object.keys(FAMILIES).join(", ")}.`,
  });
}
