import type { Driver } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { openOwnLine, ownLineFaults } from "../serial/own-line.ts";
import { fieldFault } from "./answer.ts";
import { svantekNoiseConfig } from "./config.ts";
import { checkSettings, levelOf, measurementsOf, type ProfileSettings, profileSettings, results } from "./decode.ts";
import { SvantekExchange } from "./exchange.ts";

/** Somebody may turn a knob: how the meter is set is asked again so often. */
const SETTINGS_EVERY_MS = 10_000;
const METER_FAULTS = [
  "METER_TIMEOUT",
  "METER_FIELD",
  "METER_WEIGHTING",
  "METER_DETECTOR",
  "METER_STOPPED",
  "METER_PERIOD",
];

export const svantekNoise: Driver<typeof svantekNoiseConfig> = {
  kind: "svantek-noise",
  config: svantekNoiseConfig,

  check({ periodMs, timeoutMs, ...line }) {
    const faults = ownLineFaults(line);
    if (timeoutMs < periodMs) return faults;
    const message = `timeoutMs ${timeoutMs} is not shorter than periodMs ${periodMs}`;
    return [...faults, { pointer: "/timeoutMs", message, hint: "Choose half of the period, e.g. 500 with 1000." }];
  },

  async run(config, context) {
    const { clock, online, fault, emit, signal } = context;
    const { baudRate, profile, level: kind, periodMs, timeoutMs, measurementPeriodMs } = config;
    await using link = await openOwnLine(config, { baudRate }, context);
    const exchange = new SvantekExchange(link, clock, fault);
    const query = `2,${profile},T?,V?,v?,S?,R?,M?,N?`;
    let settings: ProfileSettings | undefined;
    let settingsAtMs = Number.NEGATIVE_INFINITY;
    let measuredAtMs = Number.NEGATIVE_INFINITY;

    const poll = async (): Promise<void> => {
      const { outstanding } = exchange;
      // A query of a function that nothing is owed of shows that all that was owed has come, or never will.
      if (outstanding.includes(1) && !outstanding.includes(2)) await exchange.ask(query, timeoutMs);
      const areOld = clock.upMs() - settingsAtMs >= SETTINGS_EVERY_MS - periodMs / 2;
      if (outstanding.length > 0 || settings === undefined || areOld) {
        settings = undefined;
        settings = profileSettings(await exchange.ask("1", timeoutMs), profile);
        settingsAtMs = clock.upMs();
      }
      if (settings === undefined) throw fieldFault(`the settings say nothing of profile ${profile}`);
      checkSettings(settings, kind);
      const found = results(await exchange.ask(query, timeoutMs));
      const atMs = clock.nowMs();
      if (found === undefined || found.profile !== profile) throw fieldFault(`no results of profile ${profile} came`);
      const reading = levelOf(found, settings.detector, kind);
      online();
      await emit({ ...reading, atMs });
      if (clock.upMs() - measuredAtMs < measurementPeriodMs - periodMs / 2) return;
      measuredAtMs = clock.upMs();
      const span = found.durationS === undefined ? {} : { fromMs: atMs - found.durationS * 1000, toMs: atMs };
      for (const one of measurementsOf(found)) await emit({ ...one, ...span, atMs });
    };

    for (let slot = Math.ceil(clock.upMs() / periodMs); !signal.aborted; ) {
      try {
        await poll();
      } catch (error) {
        if (!(error instanceof DriverError) || !METER_FAULTS.includes(error.code)) throw error;
        fault(error);
      }
      // Slots that have passed are not made up.
      slot = Math.max(slot + 1, Math.ceil(clock.upMs() / periodMs));
      await clock.sleep(slot * periodMs - clock.upMs(), signal);
    }
  },
};
