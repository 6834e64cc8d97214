import { useState } from "preact/hooks";
import "../styles/desk-forms.css";
import type { NewReport, ReportView } from "../../../api/schema/casework.ts";
import { call } from "../api/client.ts";
import { nowMs } from "../clock.ts";
import { navigate } from "../router.ts";
import { loadDesk } from "../state/desk.ts";
import { pointIn } from "../state/plan.ts";
import { catalogue, labelOf } from "../state/registers.ts";
import { formText as f } from "../text/packs/act-forms.ts";
import { Dialog } from "./dialog.tsx";
import { timesOf } from "./field-forms.tsx";
import { Choice, given, SelectField, TextArea, TextField, TimeField, TwoFields } from "./fields.tsx";
import { localInput, localMs } from "./local-time.ts";
import { PickPlace } from "./locate-form.tsx";
import { siteChoices } from "./site-choices.ts";

const CHANNELS = ["order", "citizen", "patrol", "video-round"] as const;
type Channel = (typeof CHANNELS)[number];
const PLACES = ["none", "site", "point"] as const;
type Place = (typeof PLACES)[number];

/** What a call, a citizen or a patrol says, taken down at the desk. */
export function ReportForm({ onClose }: { readonly onClose: () => void }) {
  const [channel, setChannel] = useState<Channel>("order");
  const [externalId, setExternalId] = useState("");
  const [ownId] = useState(() => `${localInput(nowMs.value).replace(/\D/g, "")}-${crypto.randomUUID().slice(0, 8)}`);
  const [title, setTitle] = useState("");
  const [description, setDescription] = useState("");
  const [category, setCategory] = useState("");
  const [name, setName] = useState("");
  const [contact, setContact] = useState("");
  const [kind, setKind] = useState<Place>("none");
  const [siteId, setSiteId] = useState("");
  const [place, setPlace] = useState("");
  const [address, setAddress] = useState("");
  const [occurred, setOccurred] = useState(() => localInput(nowMs.value));
  const [taken, setTaken] = useState<ReportView>();
  const take = async (): Promise<void> => {
    const position = kind === "point" ? pointIn(place) : undefined;
    if (kind === "point" && position === undefined) throw new Error(f("locate.none"));
    const reporter = { ...given("name", name), ...given("contact", contact) };
    const occurredAtMs = localMs(occurred);
    const body: NewReport = {
      source: channel === "order" ? "hotline" : "desk",
      externalId: externalId.trim() === "" ? ownId : externalId.trim(),
      channel,
      title: title.trim(),
      ...given("description", description),
      ...given("category", category),
      ...given("address", address),
      ...(kind === "site" && siteId !== "" ? { siteId } : {}),
      ...(position === undefined ? {} : { position }),
      ...(Object.keys(reporter).length === 0 ? {} : { reporter }),
      ...(Number.isFinite(occurredAtMs) ? { occurredAtMs } : {}),
    };
    setTaken(await call<ReportView>("POST", "/reports", { body }));
    void loadDesk().catch(() => {});
  };
  if (taken !== undefined) {
    return (
      <Dialog
        title={f(`report.${taken.how}`)}
        doIt={f("report.go")}
        onDo={async () => navigate(`/desk/${encodeURIComponent(taken.caseId)}`)}
        onClose={onClose}
      >
        <p data-report-case={taken.caseId}>{taken.title}</p>
      </Dialog>
    );
  }
  return (
    <Dialog title={f("report.title")} doIt={f("report.do")} isWide staysOpen onDo={take} onClose={onClose}>
      <p class="quiet">{f("report.lead")}</p>
      <Choice
        label={f("report.channel")}
        name="channel"
        value={channel}
        options={CHANNELS.map((one) => ({ value: one, text: f(`channel.${one}`) }))}
        onChange={(value) => setChannel(CHANNELS.find((one) => one === value) ?? "order")}
      />
      <TextField
        label={f("report.external")}
        value={externalId}
        onInput={setExternalId}
        maxLength={128}
        hint={f("report.external-hint")}
        isOptional
      />
      <TextField label={f("report.what")} value={title} onInput={setTitle} maxLength={200} isFirst />
      <TextArea
        label={f("report.description")}
        value={description}
        onInput={setDescription}
        maxLength={4000}
        isOptional
      />
      <TwoFields>
        <SelectField
          label={f("report.category")}
          value={category}
          options={(catalogue.value?.categories ?? []).map((one) => ({ value: one.code, text: labelOf(one) }))}
          onChange={setCategory}
          none={f("report.category-none")}
          hint={timesOf(category)}
          isOptional
        />
        <TimeField label={f("report.occurred")} type="datetime-local" value={occurred} onInput={setOccurred} />
      </TwoFields>
      <Choice
        label={f("report.place")}
        name="place"
        value={kind}
        options={PLACES.map((one) => ({ value: one, text: f(`report.place.${one}`) }))}
        onChange={(value) => setKind(PLACES.find((one) => one === value) ?? "none")}
      />
      {kind === "site" && (
        <SelectField label={f("locate.site")} value={siteId} options={siteChoices()} onChange={setSiteId} none="" />
      )}
      {kind === "point" && <PickPlace place={place} onPlace={setPlace} />}
      <TextField label={f("locate.address")} value={address} onInput={setAddress} maxLength={300} isOptional />
      <TwoFields>
        <TextField label={f("report.reporter")} value={name} onInput={setName} maxLength={100} isOptional />
        <TextField
          label={f("report.contact")}
          value={contact}
          onInput={setContact}
          maxLength={100}
          inputMode="tel"
          isOptional
        />
      </TwoFields>
    </Dialog>
  );
}
