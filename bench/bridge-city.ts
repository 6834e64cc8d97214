import { createHash } from "node:crypto";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import type { AlarmBody } from "../protocol/alarm.ts";
import { newAlarmId } from "../protocol/new-ids.ts";
import { encodeRecord } from "../protocol/record-codec.ts";
import { noiseMinute } from "./noise-minute.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Different minutes of levels; every record is one of these, moved to its time. */
const MINUTES = 200;
const STATES = ["closed", "closed", "closed", "closed-unverified", "false-alarm", "self-cleared"] as const;
const FOUND_BY = ["meter", "meter", "meter", "citizen", "patrol", "video-round"] as const;

export interface CitySize {
  readonly sites: number;
  readonly cases: number;
  readonly openCases: number;
  /** Minutes of 60 levels, spread evenly over the meters. */
  readonly minutes: number;
}

/** A bridge's database as a city has it after a year: written beside the bridge, before it starts. SQLite only. */
export function fillCity(state: string, size: CitySize, nowMs: number): void {
  const db = new Sqlite(join(state, "bridge.sqlite"));
  db.pragma("synchronous = OFF");
  try {
    db.transaction(() => {
      fillSites(db, size.sites, nowMs);
      fillCases(db, size, nowMs);
    })();
    db.transaction(() => fillLevels(db, size, nowMs))();
    db.exec("ANALYZE");
    db.pragma("wal_checkpoint(TRUNCATE)");
  } finally {
    db.close();
  }
}

export const nodeOf = (index: number) => `city-${String(index).padStart(4, "0")}`;
const siteOf = (index: number) => `site-${String(index).padStart(4, "0")}`;
const placeOf = (index: number) => [39.7 + (index % 50) * 0.01, 116.1 + Math.floor(index / 50) * 0.02] as const;

function fillSites(db: Sqlite.Database, sites: number, nowMs: number): void {
  const unit = db.prepare("INSERT INTO units (id, name, level, parent_id) VALUES (?, ?, ?, ?)");
  unit.run("city", "City", "city", null);
  for (let district = 0; district < 16; district += 1)
    unit.run(`d-${district}`, `District ${district}`, "district", "city");
  const site = db.prepare(`INSERT INTO sites (id, name, time_zone, latitude_deg, longitude_deg, radius_m, unit_id,
    created_at_ms, source) VALUES (?, ?, 'Asia/Shanghai', ?, ?, 150, ?, ?, 'bench')`);
  const node = db.prepare(`INSERT INTO nodes (id, site_id, created_at_ms, paired_at_ms, online, last_seen_at_ms)
    VALUES (?, ?, ?, ?, 1, ?)`);
  const binding = db.prepare(`INSERT INTO bindings (node, device, site_id, driver, quantity, from_ms, source)
    VALUES (?, 'noise-01', ?, 'modbus-noise', 'LAF', 0, 'bench')`);
  for (let index = 0; index < sites; index += 1) {
    const [latitude, longitude] = placeOf(index);
    site.run(siteOf(index), `Site ${index}`, latitude, longitude, `d-${index % 16}`, nowMs);
    node.run(nodeOf(index), siteOf(index), nowMs, nowMs, nowMs);
    binding.run(nodeOf(index), siteOf(index));
  }
}

function fillCases(db: Sqlite.Database, { sites, cases, openCases }: CitySize, nowMs: number): void {
  const put =
    db.prepare(`INSERT INTO cases (id, number, family, nature, title, rule, state, site_id, node, latitude_deg,
    longitude_deg, opened_at_ms, updated_at_ms, closed_at_ms, last_alarm_at_ms, level_db, peak_db, category, catalogue,
    catalogue_version, sla_class, clock, due_arrive_at_ms, due_total_at_ms, unit_id, found_by)
    VALUES (?, ?, ?, 'condition', 'Noise at night', 'night-noise', ?, ?, ?, ?, ?, ?, ?, ?, ?, 72.4, 81.0, 'noise',
    'shao-default', '2026.1', 'A', 'wall', ?, ?, ?, ?)`);
  const part = db.prepare("INSERT INTO case_units (case_id, unit_id, why, since_ms) VALUES (?, ?, 'site', ?)");
  const alarm =
    db.prepare(`INSERT INTO alarms (alarm_id, node, device, rule, family, nature, rev, phase, body, run, seq, site_id,
    received_at_ms, updated_at_ms, raised_at_ms, state_at_ms) VALUES (?, ?, 'noise-01', 'night-noise', 'noise', 'condition', 3,
    'cleared', ?, 'bench', ?, ?, ?, ?, ?, ?)`);
  const join = db.prepare("INSERT INTO case_alarms (case_id, alarm_id, joined_at_ms, how) VALUES (?, ?, ?, 'opened')");
  const entry = db.prepare(`INSERT INTO timeline (case_id, seq, kind, actor, channel, server_time_ms, hash)
    VALUES (?, ?, ?, 'bench', 'system', ?, ?)`);
  const leg = db.prepare(`INSERT INTO assignments (id, case_id, crew_id, state, active, created_at_ms, assigned_at_ms,
    assigned_by, acknowledged_at_ms, on_scene_at_ms, ended_at_ms) VALUES (?, ?, ?, 'done', 0, ?, ?, 'auto', ?, ?, ?)`);
  const crew = db.prepare("INSERT INTO crews (id, name, unit_id) VALUES (?, ?, ?)");
  for (let index = 0; index < 200; index += 1) crew.run(`crew-${index}`, `Crew ${index}`, `d-${index % 16}`);
  for (let number = 1; number <= cases; number += 1) {
    const site = (number * 7919) % sites;
    const [latitude, longitude] = placeOf(site);
    const openedMs = nowMs - Math.round(((cases - number) / cases) * 365 * DAY_MS) - 60_000;
    const isOpen = number > cases - openCases;
    const closedMs = isOpen ? null : openedMs + HOUR_MS;
    const state = isOpen ? "open" : (STATES[number % STATES.length] ?? "closed");
    const [id, alarmId, unit] = [`case-${number}`, newAlarmId(openedMs), `d-${site % 16}`];
    const foundBy = FOUND_BY[number % FOUND_BY.length] ?? "meter";
    const family = foundBy === "meter" ? "noise" : "report";
    put.run(
      ...[id, number, family, state, siteOf(site), nodeOf(site), latitude, longitude, openedMs, openedMs, closedMs],
      ...[openedMs, openedMs + 30 * 60_000, openedMs + 2 * HOUR_MS, unit, foundBy],
    );
    part.run(id, unit, openedMs);
    const body = alarmBody(alarmId, openedMs);
    alarm.run(alarmId, nodeOf(site), body, number, siteOf(site), openedMs, openedMs, openedMs, openedMs);
    join.run(id, alarmId, openedMs);
    for (const [seq, kind] of ["opened", "assigned", "acknowledged", "on-scene", "closed"].entries()) {
      entry.run(id, seq + 1, kind, openedMs + seq * 60_000, createHash("sha256").update(`${id}${seq}`).digest("hex"));
    }
    if (isOpen) continue;
    const crewId = `crew-${number % 200}`;
    leg.run(`leg-${number}`, id, crewId, openedMs, openedMs + 5000, openedMs + 60_000, openedMs + 900_000, closedMs);
  }
}

function fillLevels(db: Sqlite.Database, { sites, minutes }: CitySize, nowMs: number): void {
  const row =
    db.prepare(`INSERT INTO inbox (node, run, seq, received_at_ms, kind, device, up_ms, at_ms, corrected_at_ms,
    time_quality, sha256, bytes) VALUES (?, 'bench', ?, ?, 'noise', 'noise-01', ?, ?, ?, 'ntp', ?, ?)`);
  const hour = db.prepare(`INSERT INTO level_hours (node, device, hour_ms, seconds, valid, energy, lamax_db)
    VALUES (?, 'noise-01', ?, 3600, 3600, 1e9, 71.5)`);
  const each = Math.ceil(minutes / sites);
  const beginMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS - each * 60_000;
  const bodies = Array.from({ length: MINUTES }, () => noiseMinute(0));
  for (let site = 0; site < sites; site += 1) {
    for (let minute = 0; minute < each; minute += 1) {
      const atMs = beginMs + minute * 60_000;
      const plain = bodies[(site + minute) % MINUTES] ?? noiseMinute(0);
      const body = { ...plain, series: { ...plain.series, fromMs: atMs } };
      const stamp = { upMs: minute * 60_000, atMs, timeQuality: "ntp" } as const;
      const bytes = encodeRecord(minute + 1, { ...stamp, kind: "noise", device: "noise-01", body });
      row.run(nodeOf(site), minute + 1, atMs, stamp.upMs, atMs, atMs, `bench-${site}-${minute}`, bytes);
    }
    for (let hourMs = nowMs - (nowMs % HOUR_MS) - 365 * DAY_MS; hourMs < nowMs; hourMs += 12 * HOUR_MS) {
      hour.run(nodeOf(site), hourMs);
    }
  }
}

function alarmBody(alarmId: string, raisedAtMs: number): string {
  const stateAtMs = raisedAtMs + 600_000;
  const body: AlarmBody = {
    ...{ alarmId, rev: 3, rule: "night-noise", ruleKind: "trigger", family: "noise", nature: "condition" },
    ...{ phase: "cleared", raisedAtMs, stateAtMs, clearedAtMs: stateAtMs, clearReason: "quiet" },
    ...{ limits: { raiseDb: 70, clearDb: 67 }, windows: [], peak: { value: 81, unit: "dB", atMs: raisedAtMs } },
    evidence: [],
  };
  return JSON.stringify(body);
}
