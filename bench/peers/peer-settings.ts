/** What each peer is told: where its meter and its broker are. */
export interface PeerSettings {
  readonly meterPort: number;
  readonly unit: number;
  readonly brokerPort: number;
  readonly topic: string;
}
