import type { GatewayConfig } from "../gateway/config/gateway-config.ts";
import { modelFolder } from "../gateway/vision/models/model-folder.ts";
import { readPlan } from "../gateway/vision/models/read-manifest.ts";
import { seenLabels, unseenClasses } from "../gateway/vision/models/seen-labels.ts";
import { didYouMean } from "../protocol/document/did-you-mean.ts";
import type { DocumentFault } from "../protocol/document/fault.ts";
import { type DocumentNode, faultAt } from "../protocol/document/parse-document.ts";

/**
 * Classes of violation rules that their model never sees. The gateway itself says so only once its cameras run. Nothing where
 * the model is not on this machine: a laptop has none of what a box has.
 */
export async function classFaults({ violations, vision }: GatewayConfig, root: DocumentNode): Promise<DocumentFault[]> {
  if (violations.length === 0) return [];
  const plan = await readPlan(modelFolder(vision.judge.model)).catch(() => undefined);
  if (plan === undefined) return [];
  const sees = seenLabels(plan);
  return violations.flatMap(({ name, classes }) =>
    unseenClasses(classes, sees).map((wanted) => {
      const near = didYouMean(wanted, sees);
      return faultAt(root, ["rules", name, "classes", classes.indexOf(wanted)], {
        code: "CONFIG_REFERENCE",
        message: `rules.${name}: the model ${plan.manifest.name} never sees ${JSON.stringify(wanted)}`,
        expected: `one of ${sees.slice(0, 20).join(", ")}`,
        example: `classes: [${near ?? sees[0]}]`,
        ...(near === undefined ? {} : { suggestion: near }),
      });
    }),
  );
}
