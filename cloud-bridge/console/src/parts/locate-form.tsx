import { useState } from "preact/hooks";
import type { GeoPoint } from "../../../api/schema/common.ts";
import { cases, crews, isEnded, sites } from "../state/desk.ts";
import { pointIn } from "../state/plan.ts";
import { formText as f } from "../text/packs/act-forms.ts";
import { AreaPlan } from "./area-plan.tsx";
import { Dialog } from "./dialog.tsx";
import { given, SelectField, TextField, TwoFields } from "./fields.tsx";
import { type FormProps, useAct } from "./use-act.ts";

export function LocateForm({ view, onClose }: FormProps) {
  const [place, setPlace] = useState(view.position === undefined ? "" : textOf(view.position));
  const [address, setAddress] = useState(view.address ?? "");
  const send = useAct(view);
  const locate = async (): Promise<void> => {
    const position = pointIn(place);
    if (position === undefined) throw new Error(f("locate.none"));
    await send({ act: "locate", position, ...given("address", address) });
  };
  return (
    <Dialog title={f("locate.title", { n: view.number })} doIt={f("locate.do")} isWide onDo={locate} onClose={onClose}>
      <p class="quiet">{[view.title, view.description, view.address].filter((one) => one !== undefined).join(" · ")}</p>
      <p class="quiet">{f("locate.lead")}</p>
      <PickPlace place={place} onPlace={setPlace} />
      <TextField label={f("locate.address")} value={address} onInput={setAddress} maxLength={300} isOptional />
    </Dialog>
  );
}

export interface PickPlaceProps {
  readonly place: string;
  readonly onPlace: (place: string) => void;
}

/** A plan to click and a line to write in: both say the same place. */
export function PickPlace({ place, onPlace }: PickPlaceProps) {
  const placed = [...sites.value.values()].filter(({ latitudeDeg, longitudeDeg }) => latitudeDeg && longitudeDeg);
  const take = (siteId: string): void => {
    const site = sites.value.get(siteId);
    if (site?.latitudeDeg === undefined || site.longitudeDeg === undefined) return;
    onPlace(textOf({ latitudeDeg: site.latitudeDeg, longitudeDeg: site.longitudeDeg }));
  };
  return (
    <>
      <div class="pick-plan">
        <AreaPlan
          cases={[...cases.value.values()].filter((one) => !isEnded(one))}
          crews={crews.value}
          sites={placed}
          picked={pointIn(place)}
          onPick={(point) => onPlace(textOf(point))}
        />
      </div>
      <TwoFields>
        <TextField
          label={f("locate.coordinates")}
          value={place}
          onInput={onPlace}
          maxLength={64}
          isFirst
          hint={f("locate.coordinates-hint")}
        />
        <SelectField
          label={f("locate.site")}
          value=""
          options={placed.map(({ id, name }) => ({ value: id, text: name }))}
          onChange={take}
          none={f("locate.site-none")}
          isOptional
        />
      </TwoFields>
    </>
  );
}

export const textOf = ({ latitudeDeg, longitudeDeg }: GeoPoint): string =>
  `${latitudeDeg.toFixed(6)}, ${longitudeDeg.toFixed(6)}`;
