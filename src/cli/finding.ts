/** What one check of `chimera doctor` found. */
export interface Finding {
  /** What was looked at. */
  readonly about: string;
  /** warn: it works, but not as well as it could. */
  readonly status: "ok" | "warn" | "fail";
  readonly message: string;
  /** What to do; null where nothing is. */
  readonly mend: string | null;
}

export function ok(about: string, message: string): Finding {
  return { about, status: "ok", message, mend: null };
}

export function warn(about: string, message: string, mend: string): Finding {
  return { about, status: "warn", message, mend };
}

export function fail(about: string, message: string, mend: string): Finding {
  return { about, status: "fail", message, mend };
}
