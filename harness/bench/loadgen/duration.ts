/** Durations in messages and flags: 80 ms, 2.5 s, 10 min, 4 h. */

/** Two to three digits, in the unit that fits: `80 ms`, `2.50 s`, `11 min 2 s`, `4 h 24 min`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 999.5) return `${round(milliseconds)} ms`;
  if (milliseconds < 119_950) return `${round(milliseconds / 1000)} s`;
  const seconds = Math.round(milliseconds / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function round(value: number): string {
  return String(Number(value < 100 ? value.toPrecision(3) : value.toFixed(value < 1000 ? 1 : 0)));
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000 };

/** `100ms`, `2.5s`, `10min`, `4h`, and seconds without a unit; null for what is none of these. */
export function parseDurationMs(text: string): number | null {
  const [, number, unit = "s"] = /^(\d+\.?\d*|\.\d+)\s*(ms|s|min|h)?$/.exec(text) ?? [];
  if (number === undefined) return null;
  return Number(number) * unitsMs[unit]!;
}
