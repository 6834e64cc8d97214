import { assignments } from "/assignment.js";
import { hideCameras, showCameras } from "/cameras.js";
import {
  clockTime,
  curve,
  dayTime,
  el,
  facts,
  list,
  section,
  size,
  span,
  stateMark,
  toast,
  useTimeZone,
} from "/parts.js";
import { locale, switchLanguage, t } from "/words.js";

const EVERY_MS = 2000;
const main = document.getElementById("main");
const title = document.getElementById("title");
const leave = document.getElementById("leave");
const language = document.getElementById("language");

let state;
let heardMs = 0;
let timer;
let isLogOpen = false;
let logLines = [];
let isAsking = false;

async function ask(path, body, method = body === undefined ? "GET" : "POST") {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  return { status: answer.status, value: await answer.json() };
}

// ---- the door ----

function showDoor(message = "") {
  clearTimeout(timer);
  state = undefined;
  hideCameras();
  leave.hidden = true;
  const pin = el("input", {
    ...{ id: "pin", name: "pin", inputmode: "numeric", autocomplete: "current-password", required: true },
    type: "password",
  });
  const enter = async (event) => {
    event.preventDefault();
    const { status, value } = await ask("/api/session", { pin: pin.value });
    if (status === 200) return look();
    showDoor(status === 429 ? t("pin.wait", { s: Math.ceil(value.waitMs / 1000) }) : t("pin.wrong"));
  };
  main.replaceChildren(
    el(
      "section",
      {},
      el(
        "form",
        { onsubmit: (event) => enter(event).catch(() => showDoor(t("link.lost", { s: 0 }))) },
        el("p", {}, t("pin.lead")),
        el("label", {}, t("pin.label"), pin),
        el("button", { class: "main", type: "submit" }, t("pin.enter")),
        el("p", { class: "bad", role: "alert" }, message),
      ),
    ),
  );
  pin.focus();
}

// ---- the box ----

async function look() {
  clearTimeout(timer);
  if (isAsking) return;
  isAsking = true;
  try {
    const { status, value } = await ask("/api/state");
    if (status === 401) return showDoor();
    if (status === 200) {
      state = value;
      heardMs = Date.now();
      if (isLogOpen) await readLog();
    }
  } catch {
    // The box is away: what is shown says how old it is.
  } finally {
    isAsking = false;
  }
  show();
  if (!document.hidden) timer = setTimeout(look, EVERY_MS);
}

async function readLog() {
  const { status, value } = await ask(`/api/logs?since=${logLines.at(-1)?.n ?? 0}`);
  if (status === 200) logLines = [...logLines, ...value.lines].slice(-500);
}

function show() {
  if (state === undefined) return;
  useTimeZone(state.timeZone);
  leave.hidden = false;
  showCameras(state.cameras, state.time.atMs + Date.now() - heardMs);
  title.textContent = state.site ?? state.node;
  document.title = `${state.site ?? state.node} · Shao`;
  const ageS = Math.round((Date.now() - heardMs) / 1000);
  // What somebody is typing into or pressing must not vanish under the finger.
  const { activeElement } = document;
  const focused = activeElement?.getAttribute?.("data-key");
  const scroll = document.getElementById("log")?.scrollTop;
  main.replaceChildren(
    ...(ageS > 6 ? [el("section", { class: "urgent" }, el("p", { class: "bad" }, t("link.lost", { s: ageS })))] : []),
    ...assignments(state.assignments, ask, look),
    problems(),
    levels(),
    alarms(),
    devices(),
    linkPart(),
    journal(),
    timePart(),
    evidence(),
    log(),
  );
  if (focused) main.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  const place = document.getElementById("log");
  if (place && scroll !== undefined) place.scrollTop = scroll;
}

function problems() {
  const items = state.problems.map(({ code, message, hint }) =>
    el("li", {}, el("div", { class: "bad" }, message), el("div", {}, hint), el("div", { class: "soft" }, code)),
  );
  return section("problems", list(items, "none.problems"));
}

function levels() {
  const items = state.levels.map(({ device, subject, levels: of }) => {
    const last = of.at(-1);
    const isOld = last === undefined || state.time.atMs - last.atMs > 5000;
    const text = last === undefined || last.levelDb === null ? "—" : last.levelDb.toFixed(1);
    return el(
      "li",
      {},
      el(
        "div",
        { class: "row" },
        el("span", {}, subject ? `${device} · ${subject}` : device),
        el("span", { class: isOld ? "level soft" : "level" }, text),
        el("span", { class: "soft" }, "dB(A)"),
      ),
      curve(of, state.time.atMs),
    );
  });
  return section("levels", list(items, "none.levels"));
}

function alarms() {
  const items = state.alarms.slice(0, 12).map((of) => {
    const isTest = of.ruleKind === "test";
    const peak = of.peak && `${of.peak.value.toFixed(1)} ${of.peak.unit}`;
    const permit = of.permit && !isTest ? t("alarm.permit", { permit: of.permit }) : undefined;
    const when = of.isOpen
      ? t("alarm.open", { time: dayTime(of.raisedAtMs) })
      : t("alarm.ended", { time: dayTime(of.stateAtMs) });
    return el(
      "li",
      {},
      el(
        "div",
        { class: "row" },
        el(
          "span",
          { class: of.isOpen ? "bad" : "" },
          `${of.isOpen ? "▲ " : ""}${isTest ? t("alarm.is-test") : of.rule}`,
        ),
        el("span", { class: "soft" }, when),
      ),
      el("div", { class: "soft" }, [of.device, of.subject, peak, permit].filter(Boolean).join(" · ")),
    );
  });
  const raise = async () => {
    const { status, value } = await ask("/api/test-alarm", {});
    toast(status === 200 ? t("alarm.test.done") : `${value.message}. ${value.hint ?? ""}`);
    await look();
  };
  return section(
    "alarms",
    list(items, "none.alarms"),
    el("p", { class: "soft" }, t("alarm.test.lead")),
    el(
      "button",
      { type: "button", id: "test-alarm", "data-key": "test-alarm", onclick: () => raise() },
      t("alarm.test"),
    ),
  );
}

function devices() {
  const items = state.devices.map((of) => {
    const online = of.subjects.filter((subject) => subject.state === "online").length;
    return el(
      "li",
      {},
      el("div", { class: "row" }, el("span", {}, of.id), stateMark(of.state)),
      el(
        "div",
        { class: "soft" },
        [
          of.driver,
          t("since", { time: dayTime(of.sinceMs) }),
          of.retryInMs && t("retry", { s: Math.ceil(of.retryInMs / 1000) }),
          of.subjects.length > 0 && t("subjects", { online, all: of.subjects.length }),
        ]
          .filter(Boolean)
          .join(" · "),
      ),
      of.message && of.state !== "online" ? el("div", {}, `${of.message}. ${of.hint ?? ""}`) : "",
    );
  });
  return section("devices", list(items, "none.devices"));
}

function linkPart() {
  const { isConnected, isAnswered, rttMs, rateBytesPerS, error } = state.uplink;
  const [tone, key] = isAnswered
    ? ["good", "link.answered"]
    : isConnected
      ? ["warn", "link.connected"]
      : ["bad", "link.away"];
  return section(
    "link",
    el("p", { class: tone }, t(key)),
    error ? el("p", {}, `${error.message}. ${error.hint}`) : "",
    facts([
      [t("link.rtt"), rttMs === undefined ? undefined : `${Math.round(rttMs)} ms`],
      [t("link.rate"), isConnected && rateBytesPerS ? `${size(rateBytesPerS)}/s` : undefined],
    ]),
  );
}

function journal() {
  const { unreceipted, oldestUnreceiptedAtMs: oldest, sizeBytes, freeDiskBytes, hoursToFull } = state.journal;
  return section(
    "journal",
    facts([
      [t("journal.unsent"), String(unreceipted)],
      [t("journal.oldest"), oldest === undefined ? undefined : span(Math.max(0, state.time.atMs - oldest))],
      [t("journal.size"), size(sizeBytes)],
      [t("journal.free"), size(freeDiskBytes)],
      [t("journal.hours"), hoursToFull === undefined ? undefined : span(hoursToFull * 3_600_000)],
    ]),
  );
}

function timePart() {
  const { quality, atMs } = state.time;
  return section(
    "time",
    facts([
      [t("time.now"), clockTime(atMs, { year: "numeric", month: "2-digit", day: "2-digit" })],
      [t("time.quality"), el("span", { class: quality === "none" ? "bad" : "good" }, t(`time.${quality}`))],
      [t("time.up"), span(state.upMs)],
    ]),
  );
}

function evidence() {
  const { files, sizeBytes, unsentFiles, count } = state.evidence;
  const items = files.map((of) =>
    el(
      "li",
      { class: "row" },
      el("span", {}, `${t(`evidence.${of.type}`)} · ${size(of.sizeBytes)}`),
      el("span", { class: "soft" }, dayTime(of.takenAtMs)),
      el("span", { class: of.isStored ? "good" : "warn" }, t(of.isStored ? "evidence.stored" : "evidence.unsent")),
    ),
  );
  return section(
    "evidence",
    count === 0
      ? ""
      : el("p", { class: "soft" }, t("evidence.sum", { files: count, size: size(sizeBytes), unsent: unsentFiles })),
    list(items, "none.evidence"),
  );
}

function log() {
  const turn = async () => {
    isLogOpen = !isLogOpen;
    if (isLogOpen) await readLog();
    show();
  };
  const text = logLines
    .map(
      ({ atMs, level, sentence, fields }) =>
        `${clockTime(atMs)} ${level.toUpperCase()} ${sentence} ${JSON.stringify(fields)}`,
    )
    .reverse()
    .join("\n");
  return section(
    "log",
    el(
      "div",
      { class: "acts" },
      el(
        "button",
        { type: "button", id: "log-turn", "data-key": "log", onclick: () => turn() },
        t(isLogOpen ? "log.hide" : "log.show"),
      ),
      el("a", { class: "button", href: "/api/diagnostics", download: true }, t("diagnostics")),
    ),
    isLogOpen ? el("pre", { id: "log", tabindex: "0" }, text) : "",
  );
}

function nameButtons() {
  document.documentElement.lang = locale();
  language.textContent = t("other");
  leave.textContent = t("leave");
}

language.addEventListener("click", () => {
  switchLanguage();
  nameButtons();
  if (state === undefined) showDoor();
  else show();
});
leave.addEventListener("click", async () => {
  await ask("/api/session", undefined, "DELETE").catch(() => {});
  showDoor();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && state !== undefined) void look();
});
nameButtons();
void look();
