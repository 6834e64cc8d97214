const two = (n: number): string => String(n).padStart(2, "0");

/** `2026-11-25T20:15`, by the clock on this wall, as a `datetime-local` field wants it. */
export function localInput(atMs: number): string {
  const at = new Date(atMs);
  return `${localDate(atMs)}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

export function localDate(atMs: number): string {
  const at = new Date(atMs);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** What such a field holds, as UTC in ms; a field that is not whole is no number. */
export const localMs = (text: string): number => new Date(text).getTime();
