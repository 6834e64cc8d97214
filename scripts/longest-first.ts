import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Where the long tests are, the longest first: begun last, one of them would run on alone. */
const LONG = ["test/site/", "test/contract/", "test/cli/", "test/drivers/", "test/cloud-bridge/console/"];

/** Begins with what waits longest, so that the short tests fill the waiting. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    const rank = ({ moduleId }: TestSpecification) => {
      const place = LONG.findIndex((folder) => relative(root, moduleId).startsWith(folder));
      return place < 0 ? LONG.length : place;
    };
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
