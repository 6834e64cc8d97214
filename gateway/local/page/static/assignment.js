import { dayTime, el, section, toast } from "/parts.js";
import { t } from "/words.js";

/** In a vehicle: what its crew is sent to, with the buttons that make sense now. */
export function assignments(all, ask, look) {
  if (all.length === 0) return [];
  return [section("assignment", ...all.map((of) => assignment(of, ask, look)))].map((part) => {
    if (all.some((one) => one.state === "assigned")) part.classList.add("urgent");
    return part;
  });
}

function assignment(of, ask, look) {
  const press = async (act) => {
    const cause = act === "decline" ? prompt(t("act.cause")) : undefined;
    if (cause === null) return;
    const body = { assignmentId: of.assignmentId, act, ...(cause ? { cause } : {}) };
    const { status, value } = await ask("/api/act", body);
    toast(status === 200 ? t(value.isWritten ? "act.kept" : "act.held") : `${value.message}. ${value.hint ?? ""}`);
    await look();
  };
  const { position } = of;
  const where = position && `geo:${position.latitudeDeg},${position.longitudeDeg}`;
  return el(
    "div",
    { "data-assignment": of.assignmentId },
    el(
      "div",
      { class: "row" },
      el("span", { class: "big" }, `${t("case", { n: of.caseNumber })} · ${t(`assignment.${of.state}`)}`),
      el("span", { class: "soft" }, dayTime(of.assignedAtMs)),
    ),
    el("p", {}, of.title),
    el(
      "p",
      {},
      [
        of.place,
        of.levelDb && `${of.levelDb.toFixed(1)} dB`,
        of.distanceM && t("distance", { km: (of.distanceM / 1000).toFixed(1) }),
      ]
        .filter(Boolean)
        .join(" · "),
      where
        ? el(
            "span",
            {},
            " ",
            el("a", { href: where }, `${position.latitudeDeg.toFixed(5)}, ${position.longitudeDeg.toFixed(5)}`),
          )
        : "",
    ),
    of.pending.length === 0
      ? ""
      : el("p", { class: "warn" }, t("act.pending", { acts: of.pending.map(({ act }) => t(`act.${act}`)).join(", ") })),
    el(
      "div",
      { class: "acts" },
      ...of.acts.map((act, at) =>
        el(
          "button",
          {
            ...{
              type: "button",
              class: at === 0 ? "main" : undefined,
              "data-act": act,
              "data-key": `${of.assignmentId} ${act}`,
            },
            onclick: () => press(act).catch(() => toast(t("link.lost", { s: 0 }))),
          },
          t(`act.${act}`),
        ),
      ),
    ),
  );
}
