import { Compile } from "typebox/compile";
import { NodeState } from "../../protocol/session.ts";

const checkedState = Compile(NodeState);

/** Which nodes have a connection, as their retained `state` and their wills tell it: the broker is another's. */
export class ConnectedNodes {
  readonly #sessions = new Map<string, string>();

  get size(): number {
    return this.#sessions.size;
  }

  /** @param counts `connects` and `takeOvers` grow by what this one says */
  hear(node: string, bytes: Uint8Array, counts: { connects: number; takeOvers: number }): void {
    const state = stateOf(bytes);
    if (state === undefined) return;
    const known = this.#sessions.get(node);
    if (!state.online) {
      // A will of another session is old: the node is connected again already.
      if (known === state.session) this.#sessions.delete(node);
      return;
    }
    if (known === state.session) return;
    counts.connects += 1;
    if (known !== undefined) counts.takeOvers += 1;
    this.#sessions.set(node, state.session);
  }

  /** Our own connection is gone: nobody knows. */
  clear(): void {
    this.#sessions.clear();
  }
}

function stateOf(bytes: Uint8Array): NodeState | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return checkedState.Check(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
