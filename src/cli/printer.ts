/** Where commands write: results to standard output, everything else to standard error. */
export interface Printer {
  /** A line of the result. */
  out(line: string): void;
  /** A line about what is going on. */
  say(line: string): void;
  /** A line that replaces the one before it; nothing where standard error is no terminal. */
  progress(line: string): void;
}

export function createPrinter(): Printer {
  const terminal = process.stderr.isTTY;
  let open = false;
  const endProgress = (): void => {
    if (open) process.stderr.write("\n");
    open = false;
  };
  return {
    out: (line) => {
      endProgress();
      process.stdout.write(`${line}\n`);
    },
    say: (line) => {
      endProgress();
      process.stderr.write(`${line}\n`);
    },
    progress: (line) => {
      if (!terminal) return;
      open = true;
      process.stderr.write(`\r\u001b[K${line}`);
    },
  };
}

/** How a command ends: 0 it did what was asked, 1 it could not, 2 it was asked wrongly, 3 nothing had to be changed. */
export type ExitCode = 0 | 1 | 2 | 3;
