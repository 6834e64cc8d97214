import { useComputed, useSignalEffect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { streamState } from "../api/events.ts";
import { nowMs } from "../clock.ts";
import { path } from "../router.ts";
import { chooseSound, isSoundBlocked, isSoundOn } from "../sound.ts";
import { unseenCases } from "../state/looked-at.ts";
import { account, may, signOut } from "../state/session.ts";
import { formatTime } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { Icon, type IconName, Whistle } from "./icon.tsx";
import { LocaleSwitch, ThemeSwitch } from "./switches.tsx";

export function Shell({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  useSignalEffect(() => {
    const unseen = may("seeDesk") ? unseenCases.value.length : 0;
    document.title = unseen > 0 ? t("title.unseen", { n: unseen, title }) : t("title.plain", { title });
  });
  return (
    <div class="shell">
      <a class="skip" href="#main">
        {t("shell.skip")}
      </a>
      <header class="top">
        <a class="brand" href="/">
          <Whistle />
          <span>{t("brand")}</span>
        </a>
        <nav class="tabs" aria-label={t("shell.pages")}>
          {may("seeDesk") && <Tab to="/desk" icon="open" text={t("nav.desk")} badge={unseenCases.value.length} />}
          {may("seeNodes") && <Tab to="/nodes" icon="node" text={t("nav.nodes")} />}
          {may("seeNodes") && <Tab to="/rounds" icon="round" text={t("nav.rounds")} />}
          {may("setUpCrews") && <Tab to="/crews" icon="crew" text={t("nav.crews")} />}
          {may("seeMessages") && <Tab to="/messages" icon="message" text={t("nav.messages")} />}
          {may("seeNodes") && <Tab to="/rules" icon="note" text={t("nav.rules")} />}
          {may("seeAnalysis") && <Tab to="/analysis" icon="chart" text={t("nav.analysis")} />}
        </nav>
        <div class="top-right">
          <StreamPill />
          <BridgeClock />
          {may("seeDesk") && <SoundSwitch />}
          <LocaleSwitch />
          <ThemeSwitch />
          <AccountMenu />
        </div>
      </header>
      <main id="main" class="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

interface TabProps {
  readonly to: string;
  readonly icon: IconName;
  readonly text: string;
  readonly badge?: number;
}

function Tab({ to, icon, text, badge = 0 }: TabProps) {
  const isHere = path.value === to || path.value.startsWith(`${to}/`);
  return (
    <a class="tab" href={to} {...(isHere ? { "aria-current": "page" as const } : {})}>
      <Icon name={icon} />
      <span class="tab-text">{text}</span>
      {badge > 0 && (
        <span class="count" title={t("nav.unseen", { n: badge })}>
          {badge}
        </span>
      )}
    </a>
  );
}

/** Whether what stands on this page is still being told: a desk that shows an old picture must say so. */
export function StreamPill() {
  const isLive = streamState.value === "live";
  return (
    <output class={`pill ${isLive ? "is-good" : "is-bad"}`}>
      <Icon name={isLive ? "connected" : "disconnected"} size={13} />
      {t(isLive ? "stream.live" : "stream.waiting")}
    </output>
  );
}

function BridgeClock() {
  const text = useComputed(() => formatTime(locale.value, nowMs.value, undefined));
  return (
    <span class="bridge-clock" title={t("shell.clock")}>
      {text}
    </span>
  );
}

function SoundSwitch() {
  const isOn = isSoundOn.value;
  const isMute = isOn && isSoundBlocked.value;
  const label = t(isMute ? "sound.blocked" : isOn ? "sound.on" : "sound.off");
  return (
    <button
      type="button"
      class={`chip is-square${isMute ? " is-warning" : ""}`}
      aria-pressed={isOn}
      aria-label={label}
      title={label}
      onClick={() => chooseSound(isMute ? true : !isOn)}
    >
      <Icon name={isOn && !isMute ? "sound" : "mute"} />
    </button>
  );
}

export function AccountMenu() {
  const who = account.value;
  if (!who) return null;
  return (
    <span class="account">
      <span class="account-name">
        {who.name}
        <small>{t(`role.${who.role}`)}</small>
      </span>
      <button
        type="button"
        class="chip is-square"
        onClick={() => void signOut().catch(() => {})}
        title={t("session.sign-out")}
        aria-label={t("session.sign-out")}
      >
        <Icon name="out" />
      </button>
    </span>
  );
}
