import type { DeskSettings } from "./cases/settings.ts";
import type { NotificationChannel } from "./dispatch/channels/channel.ts";
import { Courier } from "./dispatch/channels/courier.ts";
import { type StatusMeanings, takeSignals } from "./dispatch/channels/crew-signals.ts";
import type { Desk } from "./dispatch/desk.ts";
import type { BridgeClock } from "./store/clock.ts";
import type { Db } from "./store/database.ts";
import type { Logger } from "./store/logger.ts";

export interface CrewLineOptions {
  readonly channels: readonly NotificationChannel[];
  readonly statuses: StatusMeanings;
  readonly desk: Pick<Desk, "change" | "wake">;
  readonly writer: () => Db | undefined;
  /** Work waits that only the elected writer may do, and this process is not it. */
  readonly onUnelected: () => void;
  readonly clock: BridgeClock;
  readonly settings: DeskSettings;
  readonly log: Logger;
}

/** Both ways between the desk and its crews: what they are told, and what they say back. */
export class CrewLine {
  readonly #options: CrewLineOptions;
  readonly #courier: Courier;
  #hearing: Promise<void> | undefined;
  #isAskedAgain = false;

  constructor(options: CrewLineOptions) {
    this.#options = options;
    const { channels, writer, clock, log, desk } = options;
    this.#courier = new Courier({ channels, writer, clock, log, change: desk.change });
  }

  /** Crews may have said something, or something is to be told. Never rejects. */
  wake(): void {
    if (this.#options.writer() === undefined) this.#options.onUnelected();
    else void this.tick();
  }

  /** To be called every second. */
  async tick(): Promise<void> {
    if (this.#options.writer() === undefined) return;
    await this.#hear();
    await this.#courier.wake();
  }

  #hear(): Promise<void> {
    if (this.#hearing !== undefined) {
      this.#isAskedAgain = true;
      return this.#hearing;
    }
    this.#hearing = (async () => {
      do {
        this.#isAskedAgain = false;
        await this.#hearAll();
      } while (this.#isAskedAgain);
    })()
      .catch((error: unknown) => this.#options.log.error({ error: String(error) }, "what crews said was put off"))
      .finally(() => {
        this.#hearing = undefined;
      });
    return this.#hearing;
  }

  async #hearAll(): Promise<void> {
    const { writer, settings, statuses, clock, desk } = this.#options;
    for (;;) {
      const own = writer();
      if (own === undefined) return;
      const context = { settings, statuses, nowMs: clock.nowMs(), change: desk.change };
      if ((await takeSignals(own, context)) === 0) return;
      await desk.wake();
    }
  }
}
