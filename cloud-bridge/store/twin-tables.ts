/** Every config that a node was ever to have; the newest is what it is to have now. */
export interface NodeConfigsTable {
  node: string;
  revision: number;
  sha256: string;
  /** Without secrets: `***` stands where the box keeps its own. */
  document: string;
  note: string | null;
  created_by: string;
  created_at_ms: number;
  /** The command that carries it; absent until somebody applies it. */
  command_id: string | null;
  /** When the node first said that this is in force. */
  confirmed_at_ms: number | null;
}

export interface NodeTwinsTable {
  node: string;
  /** JSON, a ReportedConfig. */
  reported: string | null;
  reported_at_ms: number | null;
  /** What the node told when it was asked. */
  told_sha256: string | null;
  told_document: string | null;
  told_at_ms: number | null;
}

export interface RolloutsTable {
  id: string;
  /** JSON merge patch, laid over each node's own config. */
  patch: string;
  share_pct: number;
  stop_above_pct: number;
  hold_s: number;
  state: string;
  reason: string | null;
  created_by: string;
  created_at_ms: number;
  ended_at_ms: number | null;
}

export interface RolloutNodesTable {
  rollout: string;
  node: string;
  place: number;
  /** What it was given; absent until its turn comes. */
  revision: number | null;
}
