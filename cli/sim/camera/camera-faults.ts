/** What goes wrong, by number or share; may be changed while it runs. */
export interface CameraFaults {
  /** Nothing more is sent, and the connection stays. */
  isSilent: boolean;
  /** So many first requests with the right account are refused all the same. */
  refusals: number;
  slowSetupMs: number;
  /** Share of RTP packets that never come. */
  lostShare: number;
}
