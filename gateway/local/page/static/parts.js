import { locale, t } from "/words.js";

/** One element with its children; text is always text, never markup. */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== undefined && child !== ""));
  return made;
}

export function section(key, ...children) {
  return el("section", { "data-section": key }, el("h2", {}, t(`section.${key}`)), ...children);
}

export function list(items, none) {
  return items.length === 0 ? el("p", { class: "soft" }, t(none)) : el("ul", {}, ...items);
}

export function facts(rows) {
  const cells = rows.filter(([, value]) => value !== undefined);
  return el("dl", {}, ...cells.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

let timeZone;
export function useTimeZone(zone) {
  timeZone = zone;
}

export function clockTime(atMs, more = {}) {
  const form = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZone, ...more };
  return new Intl.DateTimeFormat(locale(), form).format(atMs);
}

export function dayTime(atMs) {
  return clockTime(atMs, { month: "2-digit", day: "2-digit", second: undefined });
}

export function size(bytes) {
  if (bytes === undefined) return undefined;
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

export function span(ms) {
  if (ms === undefined) return undefined;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${(ms / 3_600_000).toFixed(1)} h` : `${Math.round(ms / 86_400_000)} d`;
}

const TONE = { online: "good", parked: "soft", starting: "soft", silent: "warn", offline: "bad", stopped: "bad" };
const SHAPE = { online: "●", parked: "■", starting: "◌", silent: "▲", offline: "✕", stopped: "✕" };

export function stateMark(state) {
  return el("span", { class: TONE[state] ?? "soft" }, `${SHAPE[state] ?? "◌"} ${t(`state.${state}`)}`);
}

/** The last two minutes as a line; a gap where the meter gave nothing. */
export function curve(levels, nowMs) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 120 60");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const shape = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    svg.append(made);
  };
  const y = (db) => 60 - ((Math.min(100, Math.max(30, db)) - 30) / 70) * 60;
  for (const db of [40, 55, 70, 85]) shape("line", { x1: 0, x2: 120, y1: y(db), y2: y(db) });
  let points = [];
  const flush = () => {
    if (points.length > 1) shape("polyline", { points: points.join(" ") });
    points = [];
  };
  let lastMs = 0;
  for (const { atMs, levelDb } of levels) {
    if (levelDb === null || atMs - lastMs > 5000) flush();
    lastMs = atMs;
    if (levelDb !== null) points.push(`${120 - (nowMs - atMs) / 1000},${y(levelDb)}`);
  }
  flush();
  return svg;
}

export function toast(text) {
  const place = document.getElementById("toast");
  place.textContent = text;
  place.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => {
    place.hidden = true;
  }, 6000);
}
