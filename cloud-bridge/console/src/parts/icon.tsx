/** Drawn on a 16 × 16 grid, in the colour of the text. */
const PATHS = {
  // states: each has a shape of its own, so that none is told by colour alone
  open: "M8 1.8 15 14H1zM8 6v3.6M8 11.8v.1",
  assigned: "M8 1.5 14.5 8 8 14.5 1.5 8zM8 5v3.2l2 1.3",
  acknowledged: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM5 8.2l2.1 2.1L11.2 6",
  "en-route": "M1.5 8h11M8.5 3.5 13 8l-4.5 4.5",
  "on-scene": "M8 14.8S2.7 9.9 2.7 6.4a5.3 5.3 0 0 1 10.6 0c0 3.5-5.3 8.4-5.3 8.4zM8 4.6v3.6M6.2 6.4h3.6",
  resolved: "M2.2 2.2h11.6v11.6H2.2zM5 8.2l2.1 2.1L11.2 6",
  verifying: "M1.2 9.5h2l1.4-5 2.6 9 2.3-7 1.3 3h4",
  closed: "M8 1.2l5.8 2.2v4.2c0 3.6-2.4 6-5.8 7.2-3.4-1.2-5.8-3.6-5.8-7.2V3.4zM5.2 8l2 2 3.7-3.9",
  "closed-unverified": "M8 1.2l5.8 2.2v4.2c0 3.6-2.4 6-5.8 7.2-3.4-1.2-5.8-3.6-5.8-7.2V3.4zM5.5 8h5",
  suspended: "M5 2.5v11M11 2.5v11",
  "false-alarm": "M3 3l10 10M13 3 3 13",
  "self-cleared": "M1.5 9c1.6-3 3.2-3 5 0s4 3 8-1.5",
  merged: "M3 2v3.4L8 10v4.2M13 2v3.4L8 10",
  // presence and devices
  connected: "M1.8 8a6.2 6.2 0 1 0 12.4 0A6.2 6.2 0 1 0 1.8 8M5 8.2l2.1 2.1L11.2 6",
  disconnected: "M1.8 8a6.2 6.2 0 1 0 12.4 0A6.2 6.2 0 1 0 1.8 8M3.8 3.8l8.4 8.4",
  heartbeat: "M1 8.5h3l1.6-4.2 3 8 1.8-5 1 1.2H15",
  silent: "M1.5 8h2M6 8h.1M9 8h.1M12 8h2.5",
  starting: "M8 1.8A6.2 6.2 0 1 1 1.8 8",
  stopped: "M3 3h10v10H3z",
  parked: "M4 14V2h4.6a3.4 3.4 0 0 1 0 6.8H4",
  // acts and chrome
  note: "M2.5 2h11v8.5L10 14H2.5zM5 5.5h6M5 8.5h4",
  crew: "M8 7.6a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.2 14.4c.4-3 2.8-4.8 5.8-4.8s5.4 1.8 5.8 4.8",
  round: "M1.8 4.2h9v7.6h-9zM10.8 7l3.6-2.2v6.4L10.8 9",
  node: "M2 3.2h12v4H2zM2 8.8h12v4H2zM4.4 5.2h.1M4.4 10.8h.1",
  sound: "M2 6v4h2.6L8 13V3L4.6 6zM10.4 5.6a3.4 3.4 0 0 1 0 4.8M12.4 3.6a6.2 6.2 0 0 1 0 8.8",
  mute: "M2 6v4h2.6L8 13V3L4.6 6zM10.5 6l4 4M14.5 6l-4 4",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 .8v1.6M8 13.6v1.6M.8 8h1.6M13.6 8h1.6M2.9 2.9 4 4M12 12l1.1 1.1M2.9 13.1 4 12M12 4l1.1-1.1",
  moon: "M13.6 9.8A6 6 0 0 1 6.2 2.4a6 6 0 1 0 7.4 7.4z",
  system: "M1.8 2.8h12.4v8H1.8zM5.5 13.8h5",
  out: "M6 2H2.5v12H6M6 8h8M11 5l3 3-3 3",
  chevron: "M6 3l5 5-5 5",
  back: "M10 3 5 8l5 5",
  plus: "M8 2.5v11M2.5 8h11",
  minus: "M2.5 8h11",
  copy: "M5.5 5.5h8v8h-8zM3 10.5V2.5h7.5",
  place: "M8 14.8S2.7 9.9 2.7 6.4a5.3 5.3 0 0 1 10.6 0c0 3.5-5.3 8.4-5.3 8.4z",
  clock: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 4.6V8l2.4 1.6",
  overdue: "M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2zM8 4.6v4M8 11.2v.1",
  soon: "M4 1.8h8M4 14.2h8M4.8 1.8c0 4 3.2 4.2 3.2 6.2s-3.2 2.2-3.2 6.2M11.2 1.8c0 4-3.2 4.2-3.2 6.2s3.2 2.2 3.2 6.2",
  search: "M7 2.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6zM10.5 10.5 14 14",
  help: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM6 6.2c0-1.2.9-2 2-2s2 .8 2 1.9c0 1.5-2 1.6-2 3M8 11.4v.1",
  more: "M3.5 8h.1M8 8h.1M12.5 8h.1",
  chart: "M2.2 13.8V8.5h2.6v5.3M6.7 13.8V2.2h2.6v11.6M11.2 13.8V5.6h2.6v8.2",
  message: "M1.8 3h12.4v8.4H8l-3.4 2.8v-2.8H1.8z",
  queue: "M8 10.5V2M4.8 5.2 8 2l3.2 3.2M2 10v4h12v-4",
  person: "M8 7.6a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.2 14.4c.4-3 2.8-4.8 5.8-4.8s5.4 1.8 5.8 4.8",
  sensor:
    "M8 9.2V14M5.5 14h5M8 6.4a1.4 1.4 0 1 0 0 2.8 1.4 1.4 0 0 0 0-2.8zM4.6 4.4a4.8 4.8 0 0 0 0 6.8M11.4 4.4a4.8 4.8 0 0 1 0 6.8",
  machine: "M2.5 4h11v8h-11zM6 1.5V4M10 1.5V4M6 12v2.5M10 12v2.5M6 7h4v2H6z",
  radio: "M4 5h8v9.2H4zM10.5 5V1M6 8h4M6 11h.1M10 11h.1",
  phone: "M4.2 1.5h7.6v13H4.2zM7.2 12.3h1.6",
  keyboard: "M1.2 4h13.6v8.2H1.2zM4 6.6h.1M7 6.6h.1M10 6.6h.1M12.6 6.6h.1M4 9.6h8",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark of the house: a whistle. */
export function Whistle() {
  return (
    <svg class="whistle" width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M3 9h18.5a1 1 0 0 1 1 1v2.6A8.6 8.6 0 1 1 10.6 20H4a1 1 0 0 1-1-1z" />
      <circle cx="18.4" cy="20.6" r="3" class="whistle-hole" />
      <path d="M25.6 8l2.6-3.4M28 12.4l3.6-1.4" class="whistle-note" />
    </svg>
  );
}
