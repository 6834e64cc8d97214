import type { JournalRestore, JournalWrite, OpenAlarm, WorkingLevel } from "../../gateway/contracts/journal.ts";
import type { NewRecord, RecordKind, RecordOf } from "../../protocol/record.ts";

/** The journal's working tables and records in memory, with the semantics of the real one: levels first, then drops. */
export class MemoryJournal {
  readonly records: NewRecord[] = [];
  readonly #alarms = new Map<string, OpenAlarm & { readonly isOpen: boolean }>();
  #levels = new Map<string, WorkingLevel>();

  apply(write: JournalWrite): void {
    this.records.push(...(write.append ?? []));
    for (const alarm of write.openAlarms ?? []) this.#alarms.set(alarm.body.alarmId, { ...alarm, isOpen: true });
    for (const alarmId of write.closedAlarms ?? []) {
      const alarm = this.#alarms.get(alarmId);
      const last = write.append?.findLast((record) => record.kind === "alarm" && record.body.alarmId === alarmId);
      if (alarm === undefined) continue;
      this.#alarms.set(alarmId, { ...alarm, ...(last?.kind === "alarm" ? { body: last.body } : {}), isOpen: false });
    }
    for (const level of write.levels ?? []) this.#levels.set(`${level.device} ${level.atMs}`, level);
    for (const { device, atMs } of write.dropLevelsBefore ?? []) {
      this.#levels = new Map([...this.#levels].filter(([, level]) => level.device !== device || level.atMs >= atMs));
    }
  }

  restore(): Pick<JournalRestore, "openAlarms" | "recentAlarms" | "levels"> {
    const plain = ({ device, subject, body }: OpenAlarm): OpenAlarm => structuredClone({ device, subject, body });
    return {
      openAlarms: [...this.#alarms.values()].filter(({ isOpen }) => isOpen).map(plain),
      recentAlarms: [...this.#alarms.values()].filter(({ isOpen }) => !isOpen).map(plain),
      levels: [...this.#levels.values()].sort((a, b) => a.device.localeCompare(b.device) || a.atMs - b.atMs),
    };
  }

  get levelCount(): number {
    return this.#levels.size;
  }

  of<K extends RecordKind>(kind: K): Omit<RecordOf<K>, "seq">[] {
    return this.records.filter((record) => record.kind === kind) as unknown as Omit<RecordOf<K>, "seq">[];
  }
}
