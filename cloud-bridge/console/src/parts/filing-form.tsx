import { useState } from "preact/hooks";
import type { CrewView, Filing, FilingView, Person } from "../../../api/schema/roster.ts";
import { call, newIdempotencyKey } from "../api/client.ts";
import { dutyAt, people } from "../state/roster.ts";
import { crewText as c } from "../text/packs/crews.ts";
import { ID_PATTERN } from "./crew-forms.tsx";
import { Dialog } from "./dialog.tsx";
import { ChooseMany, given, TextField, TimeField, TwoFields } from "./fields.tsx";
import { localInput, localMs } from "./local-time.ts";

const HOUR_MS = 3_600_000;
const USUAL_HOURS = 8;

/** 勤务报备: people, car and radios of a crew for a shift. */
export function FilingForm({ crew, onClose }: { readonly crew: CrewView; readonly onClose: () => void }) {
  const duty = dutyAt(crew.id, Date.now());
  const usual = crew.memberIds ?? [];
  const [chosen, setChosen] = useState<readonly string[]>(usual);
  const [vehicleNode, setVehicleNode] = useState(crew.vehicleNode ?? "");
  const [radios, setRadios] = useState<Readonly<Record<string, string>>>({});
  const [until, setUntil] = useState(() => localInput(duty?.toMs ?? Date.now() + USUAL_HOURS * HOUR_MS));
  const [words, setWords] = useState("");
  const [key] = useState(newIdempotencyKey);
  const here = people.value.filter(({ id, unitId }) => usual.includes(id) || unitId === crew.unitId);
  const others = people.value.filter((person) => !here.includes(person));
  const optionsOf = (list: readonly Person[]) => list.map(({ id, name }) => ({ value: id, text: name }));
  const file = async (): Promise<void> => {
    const body: Filing = {
      crewId: crew.id,
      ...(duty === undefined ? {} : { dutyId: duty.id }),
      toMs: localMs(until),
      ...given("vehicleNode", vehicleNode),
      ...given("note", words),
      people: chosen.map((personId) => ({ personId, ...given("radioIssi", radios[personId] ?? "") })),
    };
    await call<FilingView>("POST", "/filings", { body, idempotencyKey: key });
  };
  return (
    <Dialog title={c("filing.title", { crew: crew.name })} doIt={c("filing.do")} isWide onDo={file} onClose={onClose}>
      <p class="quiet">{c("filing.lead")}</p>
      {people.value.length === 0 && <p class="hint">{c("filing.no-people")}</p>}
      {here.length > 0 && (
        <ChooseMany label={c("filing.people")} values={chosen} options={optionsOf(here)} onChange={setChosen} />
      )}
      {others.length > 0 && (
        <ChooseMany label={c("filing.others")} values={chosen} options={optionsOf(others)} onChange={setChosen} />
      )}
      <TwoFields>
        <TextField
          label={c("filing.vehicle")}
          value={vehicleNode}
          onInput={setVehicleNode}
          pattern={ID_PATTERN}
          maxLength={63}
          isOptional
        />
        <TimeField label={c("filing.until-field")} type="datetime-local" value={until} onInput={setUntil} />
        {people.value
          .filter(({ id }) => chosen.includes(id))
          .map(({ id, name, radioIssi }) => (
            <TextField
              key={id}
              label={c("filing.radio", { name })}
              value={radios[id] ?? radioIssi ?? ""}
              onInput={(text) => setRadios({ ...radios, [id]: text })}
              pattern="[0-9]{1,8}"
              maxLength={8}
              inputMode="numeric"
              isOptional
            />
          ))}
      </TwoFields>
      <TextField label={c("filing.note")} value={words} onInput={setWords} maxLength={500} isOptional />
    </Dialog>
  );
}

interface EndFilingProps {
  readonly crew: CrewView;
  readonly filing: FilingView;
  readonly onClose: () => void;
}

export function EndFiling({ crew, filing, onClose }: EndFilingProps) {
  const [key] = useState(newIdempotencyKey);
  return (
    <Dialog
      title={c("filing.end-title", { crew: crew.name })}
      doIt={c("filing.end")}
      onDo={async () => {
        await call("POST", `/filings/${encodeURIComponent(filing.id)}/end`, { idempotencyKey: key });
      }}
      onClose={onClose}
    >
      <p class="quiet">{c("filing.end-lead")}</p>
    </Dialog>
  );
}
