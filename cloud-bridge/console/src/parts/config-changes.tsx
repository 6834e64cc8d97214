import type { ConfigDiffView } from "../../../api/schema/twins.ts";
import { configText as c } from "../text/packs/node-config.ts";

/** What differs, value by value. */
export function ConfigChanges({ changes }: { readonly changes: ConfigDiffView["changes"] }) {
  if (changes.length === 0) return <p class="hint">{c("no-changes")}</p>;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{c("changes")}</th>
          <th scope="col">{c("before")}</th>
          <th scope="col">{c("after")}</th>
        </tr>
      </thead>
      <tbody>
        {changes.map((change) => (
          <tr key={change.path} data-config-change={change.path}>
            <th scope="row">{change.path}</th>
            <td>{JSON.stringify(change.from) ?? "–"}</td>
            <td>{JSON.stringify(change.to) ?? "–"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
