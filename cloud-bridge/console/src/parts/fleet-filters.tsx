import type { FleetSummary } from "../../../api/schema/fleet-list.ts";
import { navigate } from "../router.ts";
import { chosen, isChosen } from "../state/fleet-list.ts";
import { units } from "../state/registers.ts";
import { t } from "../text/locale.ts";
import { fleetText as f } from "../text/packs/fleet.ts";
import { isTextKey } from "../text/translate.ts";
import type { Option } from "./fields.tsx";
import { Icon } from "./icon.tsx";

const TYPING_MS = 250;
const GROUPS = ["unit", "site", "version", "config", "standing"] as const;
const DEVICE_STATES = ["offline", "silent", "starting", "stopped", "parked", "online"] as const;
let typing: ReturnType<typeof setTimeout> | undefined;

export const faultName = (rule: string): string => {
  const key = `fault.${rule}`;
  return isTextKey(key) ? t(key) : rule;
};

/** What is chosen stands in the address; each choice is a step that the browser can take back. */
export function FleetFilters({
  search,
  summary,
}: {
  readonly search: string;
  readonly summary: FleetSummary | undefined;
}) {
  const query = new URLSearchParams(search);
  const facets = summary?.facets;
  return (
    <search class="fleet-filters" aria-label={f("search")}>
      <label class="fleet-search">
        <span class="sr">{f("search")}</span>
        <input
          type="search"
          name="q"
          placeholder={f("search")}
          defaultValue={query.get("q") ?? ""}
          key={search === "" ? "empty" : "typed"}
          maxLength={64}
          onInput={({ currentTarget: { value } }) => {
            clearTimeout(typing);
            typing = setTimeout(() => navigate(chosen(location.search, "q", value.trim()), "replace"), TYPING_MS);
          }}
        />
      </label>
      <Select
        search={search}
        name="unitId"
        label={f("unit")}
        options={units.value.map(({ id, name }) => ({ value: id, text: name }))}
      />
      <Select
        search={search}
        name="standing"
        label={f("standing")}
        options={(["away", "attention", "ok"] as const).map((one) => ({ value: one, text: t(`standing.${one}`) }))}
      />
      <Select
        search={search}
        name="device"
        label={f("device")}
        options={DEVICE_STATES.map((state) => ({ value: state, text: t(`device.${state}`) }))}
      />
      <Select
        search={search}
        name="fault"
        label={f("fault")}
        options={(facets?.faults ?? []).map(({ value, nodes }) => ({ value, text: `${faultName(value)} (${nodes})` }))}
      />
      <Select
        search={search}
        name="custody"
        label={f("custody")}
        options={(["outstanding", "unexplained"] as const).map((one) => ({ value: one, text: f(`custody.${one}`) }))}
      />
      <Select
        search={search}
        name="fullWithinH"
        label={f("full")}
        options={(["24", "168"] as const).map((one) => ({ value: one, text: f(`full.${one}`) }))}
      />
      <Select
        search={search}
        name="version"
        label={f("version")}
        options={(facets?.versions ?? []).map(({ value, nodes }) => ({ value, text: `${value} (${nodes})` }))}
      />
      <Select
        search={search}
        name="config"
        label={f("config")}
        options={(facets?.configs ?? []).map(({ value, nodes }) => ({
          value,
          text: `${value.slice(0, 8)} (${nodes})`,
        }))}
      />
      <Select
        search={search}
        name="timeQuality"
        label={f("time")}
        options={(["gnss", "ntp", "rtc", "none"] as const).map((one) => ({
          value: one,
          text: t(`time-quality.${one}`),
        }))}
      />
      <Select
        search={search}
        name="group"
        label={f("group")}
        none={f("group.none")}
        options={GROUPS.map((one) => ({ value: one, text: f(`group.${one}`) }))}
      />
      {isChosen(search) && (
        <a class="button" href="/nodes" data-fleet-reset>
          <Icon name="stopped" size={13} /> {f("reset")}
        </a>
      )}
    </search>
  );
}

function Select({ search, name, label, options, none }: SelectProps) {
  const value = new URLSearchParams(search).get(name) ?? "";
  const isKnown = value === "" || options.some((option) => option.value === value);
  return (
    <label class="fleet-choice">
      <span>{label}</span>
      <select name={name} value={value} onChange={(event) => navigate(chosen(search, name, event.currentTarget.value))}>
        <option value="">{none ?? f("any")}</option>
        {!isKnown && <option value={value}>{value}</option>}
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </label>
  );
}

interface SelectProps {
  readonly search: string;
  readonly name: string;
  readonly label: string;
  readonly options: readonly Option[];
  readonly none?: string;
}
