import { chooseLocale, locale, t } from "../text/locale.ts";
import type { Locale } from "../text/translate.ts";
import { chooseTheme, type Theme, theme } from "../theme.ts";
import { Icon, type IconName } from "./icon.tsx";

/** Each language is named in itself, so that its reader finds it. */
const LOCALE_NAMES: Readonly<Record<Locale, "locale.zh" | "locale.en">> = { "zh-CN": "locale.zh", en: "locale.en" };

export function LocaleSwitch() {
  const other: Locale = locale.value === "en" ? "zh-CN" : "en";
  return (
    <button type="button" class="chip" lang={other} onClick={() => chooseLocale(other)} title={t("locale.switch")}>
      {t(LOCALE_NAMES[other])}
    </button>
  );
}

const NEXT: Readonly<Record<Theme, Theme>> = { system: "light", light: "dark", dark: "system" };
const LOOK: Readonly<Record<Theme, IconName>> = { system: "system", light: "sun", dark: "moon" };

export function ThemeSwitch() {
  const label = t("theme.switch", { now: t(`theme.${theme.value}`) });
  return (
    <button
      type="button"
      class="chip is-square"
      onClick={() => chooseTheme(NEXT[theme.value])}
      title={label}
      aria-label={label}
    >
      <Icon name={LOOK[theme.value]} />
    </button>
  );
}
