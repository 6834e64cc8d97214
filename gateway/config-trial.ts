import type { Clock } from "../drivers/driver.ts";
import type { HealthState } from "../protocol/bodies.ts";
import type { Command } from "../protocol/session.ts";
import type { CommandOutcome } from "./commands/commands.ts";
import type { NodeTwin } from "./contracts/config-twin.ts";
import type { Journal } from "./contracts/journal.ts";
import type { Logger } from "./contracts/logger.ts";
import type { DeviceHealth } from "./contracts/readings.ts";
import { noteCommandedRestart } from "./start-record.ts";
import type { UplinkFacts } from "./uplink/uplink.ts";

export interface ConfigTrialOptions {
  readonly journal: Pick<Journal, "setSetting">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly devices: () => readonly DeviceHealth[];
  readonly uplink: () => UplinkFacts | undefined;
  readonly onRestart: () => void;
}

/** Ties the twin to a running gateway: shows it the devices and the uplink, and starts again where it asks. */
export class ConfigTrial {
  readonly #twin: NodeTwin;
  readonly #options: ConfigTrialOptions;

  static of(twin: NodeTwin | undefined, options: ConfigTrialOptions): ConfigTrial | undefined {
    return twin === undefined ? undefined : new ConfigTrial(twin, options);
  }

  private constructor(twin: NodeTwin, options: ConfigTrialOptions) {
    this.#twin = twin;
    this.#options = options;
  }

  begin(): void {
    const { clock, signal, uplink } = this.#options;
    this.#twin.runs({
      states: () => this.#states(),
      isUplinkUp: () => uplink()?.isConnected === true && uplink()?.isAnswered === true,
      upMs: () => clock.upMs(),
      sleep: (ms) => clock.sleep(ms, signal),
      signal,
      restart: () => this.#restart(),
    });
  }

  readonly take = async (command: Command): Promise<CommandOutcome | "later"> => {
    const wasTrial = this.#twin.reported.isTrial;
    const outcome = await this.#twin.order(command, this.#states());
    if (outcome === "later" && !wasTrial) this.#restart();
    return outcome;
  };

  #restart(): void {
    const { journal, log, onRestart } = this.#options;
    void noteCommandedRestart(journal, log).then(onRestart);
  }

  #states(): ReadonlyMap<string, HealthState> {
    const nodes = this.#options.devices().filter(({ subject }) => subject === undefined);
    return new Map(nodes.map(({ device, body }) => [device, body.state]));
  }
}
