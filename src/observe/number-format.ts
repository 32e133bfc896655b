/** What stands for a number that is not known (yet). */
const UNKNOWN = "–";
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** A count or a number of tokens; short from ten thousand on. */
export function formatCount(count: number | null): string {
  if (count === null) return UNKNOWN;
  return Math.abs(count) < 10_000 ? whole.format(count) : compact.format(count).replace("K", "k");
}

/** A time span of so many milliseconds, to about two digits. */
export function formatSpan(ms: number | null): string {
  if (ms === null) return UNKNOWN;
  if (ms < 999.5) return `${whole.format(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** How long ago something ended, in words that do not flicker. */
export function formatAge(ms: number | null): string {
  if (ms === null) return "now";
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return `${Math.floor(seconds / 3600)} h ago`;
}

/** A probability, 0..1, in percent. */
export function formatShare(share: number): string {
  return `${Math.round(share * 100)} %`;
}
