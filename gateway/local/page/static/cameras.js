import { playLive } from "/live-player.js";
import { playMpeg1 } from "/mpeg1-player.js";
import { el, section, size } from "/parts.js";
import { t } from "/words.js";

const STILL_EVERY_MS = 5000;
const place = document.getElementById("cameras");
/** Kept from one look to the next: a video that was drawn anew would begin anew. */
const shown = new Map();
let clockAheadMs = 0;

/** A still of each camera with its age; live where somebody clicks. */
export function showCameras(cameras, boxMs) {
  clockAheadMs = boxMs - Date.now();
  const ids = cameras.map(({ id }) => id);
  for (const [id, one] of shown) {
    if (ids.includes(id)) continue;
    one.stop();
    shown.delete(id);
  }
  for (const { id } of cameras) if (!shown.has(id)) shown.set(id, figure(id));
  for (const camera of cameras) shown.get(camera.id).update(camera);
  const key = [t("section.cameras"), ...ids].join("\n");
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren(
    ...(cameras.length === 0 ? [] : [section("cameras", ...ids.map((id) => shown.get(id).element))]),
  );
}

/** The page is locked: nobody looks any more. */
export function hideCameras() {
  for (const one of shown.values()) one.stop();
  shown.clear();
  place.replaceChildren();
  delete place.dataset.key;
}

function figure(id) {
  const image = el("img", { alt: id, hidden: true });
  const video = el("video", { muted: true, playsinline: true, autoplay: true, hidden: true });
  // As an attribute it counts only in markup that the browser reads.
  video.muted = true;
  const canvas = el("canvas", { hidden: true });
  const words = el("span", { class: "soft", role: "status" });
  const button = el("button", { type: "button", "data-live": id });
  const element = el(
    "figure",
    { "data-camera": id },
    image,
    video,
    canvas,
    el("figcaption", { class: "row" }, el("span", {}, id), words, button),
  );
  let camera;
  let facts;
  let end;
  let askedMs = 0;
  const say = () => {
    button.textContent = t(end === undefined ? "camera.live" : "camera.stop");
    const age = (atMs) => Math.max(0, (Date.now() + clockAheadMs - atMs) / 1000);
    if (end !== undefined) {
      const isPlaying = facts.state === "playing";
      const delay =
        facts.shownAtMs === undefined ? undefined : t("camera.delay", { s: age(facts.shownAtMs).toFixed(1) });
      words.textContent = [(isPlaying && delay) || t(`camera.${facts.state}`), size(facts.bytes)]
        .filter(Boolean)
        .join(" · ");
      const isShown = isPlaying && facts.form !== "mpeg1";
      video.hidden = !isShown;
      canvas.hidden = !(isPlaying && facts.form === "mpeg1");
      image.hidden = isPlaying || camera?.stillAtMs === undefined;
      return;
    }
    image.hidden = camera?.stillAtMs === undefined;
    words.textContent = [
      camera?.stillAtMs === undefined ? t("camera.never") : t("camera.age", { s: Math.round(age(camera.stillAtMs)) }),
      camera?.state === "live" ? undefined : t(`camera.state.${camera?.state}`),
      facts?.error && t(`camera.${facts.error}`),
    ]
      .filter(Boolean)
      .join(" · ");
  };
  const stop = (error) => {
    end?.();
    end = undefined;
    facts = error === undefined ? undefined : { error };
    video.hidden = true;
    canvas.hidden = true;
    askedMs = 0;
    say();
  };
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/cameras/${id}/live`;
  const tell = (now) => {
    facts = now;
    if (now.state === "closed") stop("closed");
    else if (now.form !== "mpeg1" && ["unplayable", "LIVE_CODEC"].includes(now.state)) startMpeg1();
    else say();
  };
  const start = () => {
    facts = { state: "waiting", bytes: 0 };
    end = playLive(video, new WebSocket(url), tell);
    say();
  };
  const startMpeg1 = () => {
    end?.();
    facts = { state: "waiting", bytes: 0, form: "mpeg1" };
    end = playMpeg1(canvas, new WebSocket(`${url}?as=mpeg1`), tell);
    say();
  };
  button.addEventListener("click", () => (end === undefined ? start() : stop()));
  document.addEventListener("visibilitychange", () => document.hidden && end !== undefined && stop());
  return {
    element,
    stop,
    update(now) {
      camera = now;
      if (end === undefined && !document.hidden && Date.now() - askedMs > STILL_EVERY_MS) {
        askedMs = Date.now();
        image.src = `/api/cameras/${id}/still?at=${askedMs}`;
      }
      say();
    },
  };
}
