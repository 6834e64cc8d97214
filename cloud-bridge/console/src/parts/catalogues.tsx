import { useState } from "preact/hooks";
import type { CatalogueDocument, CatalogueVersion } from "../../../api/schema/casework.ts";
import { call } from "../api/client.ts";
import { catalogue } from "../state/registers.ts";
import { may } from "../state/session.ts";
import { changesOf, isTables, type Tables } from "../state/table-changes.ts";
import { formatDayTime } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { ruleText as r } from "../text/packs/rules.ts";
import { ProblemNote, problemOf } from "./problem.tsx";

interface CataloguesProps {
  readonly versions: readonly CatalogueVersion[];
  readonly onLoaded: () => void;
}

/** Versions of the city's tables; a file is compared with what is in force before it is loaded. */
export function Catalogues({ versions, onLoaded }: CataloguesProps) {
  const [tables, setTables] = useState<Tables>();
  const [isFile, setFile] = useState(false);
  const [error, setError] = useState<unknown>();
  const [loaded, setLoaded] = useState("");
  const current = catalogue.value;
  const show = (next: unknown, fromFile: boolean): void => {
    setError(isTables(next) ? undefined : new Error(r("tables.no-tables")));
    setTables(isTables(next) ? next : undefined);
    setFile(fromFile);
    setLoaded("");
  };
  const read = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    try {
      const { parse } = await import("yaml");
      show(parse(await file.text(), { maxAliasCount: 0 }), true);
    } catch (cause) {
      setTables(undefined);
      setError(new Error(r("tables.unreadable", { why: cause instanceof Error ? cause.message : String(cause) })));
    }
  };
  const compare = ({ name, version }: CatalogueVersion): void => {
    const path = `/catalogues/${encodeURIComponent(name)}/${encodeURIComponent(version)}`;
    call<CatalogueDocument>("GET", path).then((next) => show(next, false), setError);
  };
  const load = async (): Promise<void> => {
    try {
      const { name, version } = await call<CatalogueDocument>("POST", "/catalogues", { body: tables });
      setError(undefined);
      setTables(undefined);
      setLoaded(r("tables.loaded-now", { name, version }));
      onLoaded();
    } catch (cause) {
      setError(cause);
    }
  };
  return (
    <>
      <p class="quiet">{r("tables.lead")}</p>
      {versions.length === 0 && <p class="quiet">{r("tables.none")}</p>}
      {versions.length > 0 && (
        <div class="table-scroll">
          <table class="table">
            <thead>
              <tr>
                <th>{r("tables.version")}</th>
                <th>{r("tables.in-force-from")}</th>
                <th>{r("tables.loaded")}</th>
                <td />
              </tr>
            </thead>
            <tbody>
              {versions.map((one) => (
                <tr key={`${one.name} ${one.version}`} data-catalogue={one.version}>
                  <th>
                    {one.name} {one.version} {one.isInForce && <span class="tag">{r("tables.in-force")}</span>}
                  </th>
                  <td>{formatDayTime(locale.value, one.inForceFromMs, undefined)}</td>
                  <td>
                    {formatDayTime(locale.value, one.loadedAtMs, undefined)} · {one.loadedBy}
                  </td>
                  <td class="table-acts">
                    <button type="button" class="button is-small" onClick={() => compare(one)}>
                      {r("tables.compare")}
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {current !== undefined && (
        <p>
          <a href={documentUrl(current)} download={`${current.name}-${current.version}.json`}>
            {r("tables.save")}
          </a>
        </p>
      )}
      {may("loadTables") && (
        <label class="field">
          <span>{r("tables.file")}</span>
          <input
            type="file"
            accept=".yaml,.yml,.json"
            onChange={(event) => void read(event.currentTarget.files?.[0])}
            data-tables-file
          />
        </label>
      )}
      {loaded !== "" && <p role="status">{loaded}</p>}
      {current !== undefined && tables !== undefined && <Changes before={current} after={tables} />}
      <ProblemNote error={error} />
      {problemOf(error).code === "CATALOGUE_INVALID" && (
        <ul data-table-faults>
          {(problemOf(error).detail ?? "").split("; ").map((fault) => (
            <li key={fault}>{fault}</li>
          ))}
        </ul>
      )}
      {tables !== undefined && isFile && (
        <button type="button" class="button is-main" onClick={() => void load()} data-load-tables>
          {r("tables.load", { version: String(tables["version"]) })}
        </button>
      )}
    </>
  );
}

const documentUrl = (document: CatalogueDocument): string =>
  `data:application/json;charset=utf-8,${encodeURIComponent(JSON.stringify(document, null, 2))}`;

function Changes({ before, after }: { readonly before: CatalogueDocument; readonly after: Tables }) {
  const changes = changesOf(before, after);
  const words = {
    name: String(after["name"]),
    version: String(after["version"]),
    from: String(after["inForceFrom"]),
    old: `${before.name} ${before.version}`,
  };
  return (
    <section data-changes>
      <h3>{r("tables.changes", words)}</h3>
      {changes.length === 0 && <p class="quiet">{r("tables.same")}</p>}
      <ul>
        {changes.map(({ part, how, code, values }) => (
          <li key={`${part} ${code}`} data-change={how}>
            <span class="tag">{r(`change.${how}`)}</span> {r(`part.${part}`)} <strong>{code}</strong>{" "}
            <span class="quiet">{values.join(" · ")}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
