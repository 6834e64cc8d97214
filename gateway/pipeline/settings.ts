import type { MeterFacts } from "../../protocol/finding.ts";

/** All that the pipeline is told by the config; a `GatewayConfig` has this shape. */
export interface PipelineSettings {
  readonly timeZone: string;
  readonly site?: SiteSettings;
  readonly rules: readonly RuleSettings[];
  /** Absent: off. */
  readonly levelWatch?: LevelWatchSettings;
  /** Only the instruments' facts, and where their weather comes from, are read here. */
  readonly devices?: readonly {
    readonly id: string;
    readonly meter?: MeterFacts;
    readonly weather?: WeatherSettings;
  }[];
  readonly permits: readonly PermitSettings[];
  readonly position: PositionSettings;
}

export interface SiteSettings {
  readonly name?: string;
  readonly address?: string;
  readonly unit?: string;
  readonly latitudeDeg?: number;
  readonly longitudeDeg?: number;
}

/** When a meter that answers on time is not to be believed; see gateway/config/level-watch-schema.ts. */
export interface LevelWatchSettings {
  readonly enabled: boolean;
  readonly stuckAfterS: number;
  readonly floorDb: number;
  readonly floorWindowS: number;
  readonly coveredWindowS: number;
  readonly coveredBaselineS: number;
  readonly coveredDropDb: number;
  readonly coveredSpreadDb: number;
}

/** Where a meter's weather comes from; see gateway/config/weather-schema.ts. */
export interface WeatherSettings {
  readonly device?: string;
  readonly station?: string;
  readonly holdS: number;
  readonly maxWindMps?: number;
  readonly rain: "auto" | "total" | "amount";
}

export type RuleSettings = TriggerSettings | ExceedanceSettings;

/** One `exceedance` rule; see gateway/config/rule-schema.ts for what each means. */
export interface ExceedanceSettings {
  readonly name: string;
  readonly kind: "exceedance";
  readonly device: string;
  readonly standard: string;
  readonly ruleSet?: string;
  readonly zone: string;
  readonly indoor: boolean;
  readonly point?: string;
  readonly background?: { readonly levelDb: number; readonly measuredOn?: string };
  readonly minValidPct: number;
  readonly dayFrom?: string;
  readonly nightFrom?: string;
  readonly windowS?: number;
  readonly updateEveryS: number;
  readonly sameAlarmS: number;
}

/** The numbers of one `trigger` rule; see gateway/config/rule-schema.ts for what each means. */
export interface TriggerSettings {
  readonly name: string;
  readonly kind: "trigger";
  readonly device: string;
  readonly limitDb: number;
  readonly clearDb: number;
  readonly raiseWindowS: number;
  readonly raiseMinValidS: number;
  readonly clearWindowS: number;
  readonly clearMinValidS: number;
  readonly roundToDb: number;
  readonly armedFrom: string;
  readonly armedTo: string;
  readonly byDay: boolean;
  readonly updateEveryS: number;
  readonly sameAlarmS: number;
  readonly evidenceBeforeS: number;
  readonly evidenceAfterS: number;
}

/** A night work permit (夜间施工许可): alarms within it are marked. */
export interface PermitSettings {
  readonly id: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Rules that it covers; absent: all. */
  readonly rules?: readonly string[];
}

export interface PositionSettings {
  readonly minMoveM: number;
  readonly minTurnDeg: number;
  readonly movingEveryMs: number;
  readonly standingEveryMs: number;
  readonly standstillMps: number;
  readonly holdRadiusM: number;
  readonly holdS: number;
}
