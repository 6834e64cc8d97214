/** A meter or receiver that answered. */
export interface FoundDevice {
  readonly id: string;
  readonly keys: Readonly<Record<string, string | number>>;
  /** What the reader of the file should know of it. */
  readonly note?: string;
}

/** All that a first config is made of. */
export interface SiteFindings {
  readonly node: string;
  readonly site: {
    readonly name: string;
    readonly timeZone: string;
    readonly latitudeDeg?: number;
    readonly longitudeDeg?: number;
  };
  readonly bridgeUrl: string;
  readonly state: string;
  readonly buses: readonly { readonly name: string; readonly keys: Readonly<Record<string, string | number>> }[];
  readonly devices: readonly FoundDevice[];
  readonly cameras: readonly { readonly id: string; readonly keys: Readonly<Record<string, string>> }[];
}
