import type { ExitCode, Printer } from "./printer.ts";

/** Where a command writes, and how it says that it is done. */
export interface Session {
  readonly printer: Printer;
  readonly exit: (code: ExitCode) => void;
}
