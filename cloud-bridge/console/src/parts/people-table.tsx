import { useState } from "preact/hooks";
import type { Person } from "../../../api/schema/roster.ts";
import { newIdempotencyKey } from "../api/client.ts";
import { catalogue, labelOf, unitName, units } from "../state/registers.ts";
import { people } from "../state/roster.ts";
import { may } from "../state/session.ts";
import { crewText as c } from "../text/packs/crews.ts";
import { type Edited, IdField, save } from "./crew-forms.tsx";
import { Dialog } from "./dialog.tsx";
import { ChooseMany, given, SelectField, TextField, TwoFields } from "./fields.tsx";

export function PeopleTable({ onEdit }: { readonly onEdit: (person: Person) => void }) {
  if (people.value.length === 0) return <p class="empty">{c("people.none")}</p>;
  return (
    <div class="table-scroll">
      <table class="table" data-people>
        <thead>
          <tr>
            <th scope="col">{c("name")}</th>
            <th scope="col">{c("unit")}</th>
            <th scope="col">{c("people.badge")}</th>
            <th scope="col">{c("phone")}</th>
            <th scope="col">{c("radio")}</th>
            <th scope="col">{c("people.authority")}</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {people.value.map((person) => (
            <tr key={person.id} data-person={person.id}>
              <th scope="row">{person.name}</th>
              <td>{unitName(person.unitId)}</td>
              <td>{person.badge}</td>
              <td>{person.phone}</td>
              <td>{person.radioIssi}</td>
              <td>{authorityWords(person.authority)}</td>
              <td class="table-acts">
                {may("setUpCrews") && (
                  <button type="button" class="button is-small" onClick={() => onEdit(person)}>
                    {c("edit")}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function authorityWords(codes: readonly string[] | undefined): string {
  if (codes === undefined || codes.length === 0) return c("people.authority-none");
  const named = (code: string): string => {
    if (code === "*") return c("people.all");
    const category = catalogue.value?.categories.find((one) => one.code === code);
    return category === undefined ? code : labelOf(category);
  };
  return codes.map(named).join(" · ");
}

interface PersonFormProps {
  readonly edited?: Edited<Person> | undefined;
  readonly onClose: () => void;
}

export function PersonForm({ edited, onClose }: PersonFormProps) {
  const before = edited?.value;
  const [id, setId] = useState(before?.id ?? "");
  const [name, setName] = useState(before?.name ?? "");
  const [unitId, setUnitId] = useState(before?.unitId ?? units.value[0]?.id ?? "");
  const [badge, setBadge] = useState(before?.badge ?? "");
  const [phone, setPhone] = useState(before?.phone ?? "");
  const [radioIssi, setRadioIssi] = useState(before?.radioIssi ?? "");
  const [authority, setAuthority] = useState<readonly string[]>(before?.authority ?? []);
  const [left, setLeft] = useState<readonly string[]>(before?.leftAtMs === undefined ? [] : ["left"]);
  const [key] = useState(newIdempotencyKey);
  const categories = (catalogue.value?.categories ?? []).map((one) => ({ value: one.code, text: labelOf(one) }));
  const known = new Set(["*", ...categories.map(({ value }) => value)]);
  const others = (before?.authority ?? []).filter((code) => !known.has(code));
  const keep = async (): Promise<void> => {
    const body: Person = {
      id,
      name,
      unitId,
      ...given("badge", badge),
      ...given("phone", phone),
      ...given("radioIssi", radioIssi),
      ...(authority.length === 0 ? {} : { authority: [...authority] }),
      ...(left.length === 0 ? {} : { leftAtMs: before?.leftAtMs ?? Date.now() }),
    };
    await save("/people", body, edited, key);
  };
  return (
    <Dialog
      title={c(before === undefined ? "people.add" : "people.edit")}
      doIt={c(before === undefined ? "add" : "save")}
      isWide
      onDo={keep}
      onClose={onClose}
    >
      <TwoFields>
        <TextField label={c("name")} value={name} onInput={setName} maxLength={100} isFirst />
        <SelectField
          label={c("unit")}
          value={unitId}
          options={units.value.map((unit) => ({ value: unit.id, text: unit.name }))}
          onChange={setUnitId}
        />
      </TwoFields>
      {before === undefined && <IdField value={id} onInput={setId} />}
      <TwoFields>
        <TextField label={c("people.badge")} value={badge} onInput={setBadge} maxLength={64} isOptional />
        <TextField label={c("phone")} value={phone} onInput={setPhone} maxLength={32} inputMode="tel" isOptional />
        <TextField
          label={c("radio")}
          value={radioIssi}
          onInput={setRadioIssi}
          pattern="[0-9]{1,8}"
          maxLength={8}
          inputMode="numeric"
          isOptional
        />
      </TwoFields>
      <ChooseMany
        label={c("people.authority")}
        values={authority}
        options={[
          { value: "*", text: c("people.all") },
          ...categories,
          ...others.map((code) => ({ value: code, text: code })),
        ]}
        onChange={setAuthority}
      />
      {before !== undefined && (
        <ChooseMany
          label={c("people.left")}
          values={left}
          options={[{ value: "left", text: c("people.leave") }]}
          onChange={setLeft}
        />
      )}
    </Dialog>
  );
}
