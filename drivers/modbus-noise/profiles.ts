import { Value } from "typebox/value";
import { NoiseProfile } from "./profile.ts";
import gemho from "./profiles/gemho.json" with { type: "json" };
import genericCn from "./profiles/generic-cn.json" with { type: "json" };
import renke from "./profiles/renke.json" with { type: "json" };
import renkeWeather from "./profiles/renke-weather.json" with { type: "json" };
import sonbestSm7901b from "./profiles/sonbest-sm7901b.json" with { type: "json" };
import wirenboardWbMsw from "./profiles/wirenboard-wb-msw.json" with { type: "json" };

/** Names that a config may give as `profile`. A file in profiles/ and a line here make one more. */
export const PROFILE_NAMES = [
  "sonbest-sm7901b",
  "renke",
  "renke-weather",
  "wirenboard-wb-msw",
  "gemho",
  "generic-cn",
] as const;
export type ProfileName = (typeof PROFILE_NAMES)[number];

const FILES: Readonly<Record<ProfileName, unknown>> = {
  "sonbest-sm7901b": sonbestSm7901b,
  renke,
  "renke-weather": renkeWeather,
  "wirenboard-wb-msw": wirenboardWbMsw,
  gemho,
  "generic-cn": genericCn,
};

/** The profile of that name, or the one given inline. */
export function resolveProfile(profile: ProfileName | NoiseProfile): NoiseProfile {
  return typeof profile === "string" ? Value.Parse(NoiseProfile, FILES[profile]) : profile;
}

export function isProfileName(text: string): text is ProfileName {
  return PROFILE_NAMES.some((name) => name === text);
}
