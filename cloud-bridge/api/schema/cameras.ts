import { type Static, Type } from "typebox";

/** One camera as a video round shows it. The ages are the reader's to reckon, by the bridge's clock. */
export const CameraView = Type.Object({
  node: Type.String(),
  camera: Type.String(),
  site: Type.Optional(Type.String()),
  state: Type.String(),
  code: Type.Optional(Type.String()),
  isNodeOnline: Type.Boolean(),
  /** When the newest still that this bridge has was taken, by the node's clock; absent: none came yet. */
  stillAtMs: Type.Optional(Type.Integer()),
  /** Bytes that the still took of the node's line. */
  stillBytes: Type.Optional(Type.Integer()),
});
export type CameraView = Static<typeof CameraView>;

export const CameraList = Type.Object({ cameras: Type.Array(CameraView), nowMs: Type.Integer() });
export type CameraList = Static<typeof CameraList>;

/** What somebody saw on a video round. */
export const RoundFinding = Type.Object({
  title: Type.String({ minLength: 1, maxLength: 200 }),
  description: Type.Optional(Type.String({ maxLength: 4000 })),
  category: Type.Optional(Type.String({ maxLength: 64 })),
});
export type RoundFinding = Static<typeof RoundFinding>;

/** The case, and the picture that the node was asked for: in custody, signed, at `/evidence/{id}/parts/snapshot` once it is here. */
export const RoundCase = Type.Object({ caseId: Type.String(), reportId: Type.String(), evidenceId: Type.String() });
export type RoundCase = Static<typeof RoundCase>;
