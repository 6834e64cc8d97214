import { createHash } from "node:crypto";
import { type LockedPackage, placeOf } from "./lock-file.ts";

export interface BomInput {
  readonly version: string;
  readonly arch: string;
  readonly epochS: number;
  readonly packages: readonly LockedPackage[];
  /** Our direct dependencies, by name. */
  readonly direct: readonly string[];
  readonly node: { readonly version: string; readonly name: string; readonly integrity: string };
  /** Debian packages that the .deb depends on, as control names them: `libc6 (>= 2.28)`. */
  readonly debian: readonly string[];
}

/**
 * What is in a package and under which licence, for whoever looks for a vulnerable version.
 * @source CycloneDX 1.6, JSON
 */
export function billOfMaterials(input: BomInput) {
  const { version, arch, epochS, packages, direct, node, debian } = input;
  const refOf = new Map(packages.map((entry) => [entry.path, `${purlOf(entry.name, entry.version)}#${entry.path}`]));
  const root = `pkg:generic/shao@${version}?arch=${arch}`;
  const nodeRef = `pkg:npm/${node.name}@${node.version}`;
  const debianNames = debian.map((dependency) => dependency.split(" ")[0] ?? dependency);
  const resolved = (from: string, names: readonly string[]) =>
    names.flatMap((name) => refOf.get(placeOf(refOf, from, name)) ?? []).sort();
  const body = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: new Date(epochS * 1000).toISOString(),
      tools: { components: [{ type: "application", name: "scripts/package", version }] },
      component: {
        type: "application",
        "bom-ref": root,
        name: "shao",
        version,
        purl: root,
        licenses: [{ license: { id: "Apache-2.0" } }],
      },
    },
    components: [
      {
        type: "application",
        "bom-ref": nodeRef,
        name: node.name,
        version: node.version,
        description: "Node.js, as its makers built it",
        scope: "required",
        purl: nodeRef,
        licenses: [{ license: { id: "MIT" } }],
        hashes: [sha512(node.integrity)],
      },
      ...packages.map((entry) => ({
        type: "library",
        "bom-ref": refOf.get(entry.path),
        ...nameOf(entry.name),
        version: entry.version,
        scope: "required",
        purl: purlOf(entry.name, entry.version),
        licenses: licensesOf(entry.license),
        ...(entry.integrity === undefined ? {} : { hashes: [sha512(entry.integrity)] }),
      })),
      ...debianNames.map((name, at) => ({
        type: "library",
        "bom-ref": `pkg:deb/debian/${name}`,
        name,
        description: `not in the package: Debian brings it (${debian[at]})`,
        scope: "required",
        purl: `pkg:deb/debian/${name}`,
      })),
    ],
    dependencies: [
      {
        ref: root,
        dependsOn: [nodeRef, ...resolved("", direct), ...debianNames.map((name) => `pkg:deb/debian/${name}`)],
      },
      ...packages.map(({ path, dependencies }) => ({ ref: refOf.get(path), dependsOn: resolved(path, dependencies) })),
    ],
  };
  return { ...body, serialNumber: serialOf(JSON.stringify(body)) };
}

function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

function nameOf(name: string): { readonly group?: string; readonly name: string } {
  const [group = "", rest] = name.split("/");
  return rest === undefined ? { name } : { group, name: rest };
}

function licensesOf(license: string | undefined): readonly object[] {
  if (license === undefined) return [];
  return /[ ()]/.test(license) ? [{ expression: license }] : [{ license: { id: license } }];
}

/** npm's `sha512-BASE64` as CycloneDX wants it. */
function sha512(integrity: string): { readonly alg: string; readonly content: string } {
  return { alg: "SHA-512", content: Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex") };
}

/** A name that only this content has, so that two runs say the same. */
function serialOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
