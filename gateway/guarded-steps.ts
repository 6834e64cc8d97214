import type { Logger } from "./contracts/logger.ts";
import type { PipelineOutput } from "./pipeline/output.ts";

/** Steps of the pipeline. A fault on one input is said once and must not end the process, which still holds the alarms of others. */
export class GuardedSteps {
  readonly #log: Logger;
  #faults = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  run(step: () => PipelineOutput): PipelineOutput | undefined {
    try {
      return step();
    } catch (error) {
      if (this.#faults++ === 0) {
        const stack = error instanceof Error ? error.stack : String(error);
        this.#log.error({ code: "PIPELINE_FAULT", stack }, "pipeline broke on one input, which was left out");
      }
      return undefined;
    }
  }
}
