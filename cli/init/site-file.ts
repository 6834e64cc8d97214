import type { SiteFindings } from "./findings.ts";
import type { InitWords } from "./text.ts";

/** The YAML of a first config, in the words of the one who will read it. Everything in it was found or answered. */
export function siteFile(found: SiteFindings, words: InitWords): string {
  const { node, site, bridgeUrl, state, buses, devices, cameras } = found;
  const place =
    site.latitudeDeg === undefined || site.longitudeDeg === undefined
      ? []
      : [`latitudeDeg: ${site.latitudeDeg.toFixed(6)}`, `longitudeDeg: ${site.longitudeDeg.toFixed(6)}`];
  const rules = devices
    .filter(isNoise)
    .map(({ id }) => [`night-${id}`, `{ kind: trigger, device: ${id}, limitDb: 70.0 }`]);
  return [
    `# ${words.fileHead}`,
    `node: ${node}`,
    `site: { ${[`name: ${text(site.name)}`, `timeZone: ${site.timeZone}`, ...place].join(", ")} }`,
    ...(place.length === 0 ? [`# ${words.filePlace}`] : []),
    `bridge: { url: ${text(bridgeUrl)} }`,
    `state: ${text(state)}`,
    ...section(
      "buses",
      buses.map(({ name, keys }) => [name, flow(keys)]),
    ),
    ...section(
      "devices",
      devices.map(({ id, keys, note }) => [id, flow(keys), note]),
    ),
    ...(devices.length === 0 ? ["devices: {}", `# ${words.fileNoDevice}`] : []),
    ...section(
      "cameras",
      cameras.map(({ id, keys }) => [id, flow(keys)]),
    ),
    ...(rules.length === 0 ? ["rules: {}"] : [`# ${words.fileRules}`, ...section("rules", rules)]),
    `# ${words.filePage}`,
    "page: { host: 0.0.0.0, port: 8090 }",
    "",
  ].join("\n");
}

function isNoise(device: { readonly keys: object }): boolean {
  return "driver" in device.keys && String(device.keys.driver).endsWith("-noise");
}

function section(name: string, rows: readonly (readonly (string | undefined)[])[]): string[] {
  if (rows.length === 0) return [];
  return [
    `${name}:`,
    ...rows.flatMap(([key, value, note]) => [...(note ? [`  # ${note}`] : []), `  ${key}: ${value}`]),
  ];
}

function flow(keys: Readonly<Record<string, string | number>>): string {
  const pairs = Object.entries(keys).map(
    ([key, value]) => `${key}: ${typeof value === "number" ? value : text(value)}`,
  );
  return `{ ${pairs.join(", ")} }`;
}

/** Plain where YAML leaves it a text, quoted elsewhere. */
function text(value: string): string {
  const isPlain =
    /^[A-Za-z./][A-Za-z0-9 ._/-]*$/.test(value) && !/^(?:y|n|yes|no|on|off|true|false|null)$/i.test(value);
  return isPlain ? value : JSON.stringify(value);
}
