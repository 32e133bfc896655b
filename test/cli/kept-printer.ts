import type { Printer } from "../../src/cli/printer.ts";

/** A printer that keeps what a command said. */
export class KeptPrinter implements Printer {
  readonly results: string[] = [];
  readonly remarks: string[] = [];

  get text(): string {
    return this.results.join("\n");
  }

  out(line: string): void {
    this.results.push(line);
  }

  say(line: string): void {
    this.remarks.push(line);
  }

  progress(): void {}
}
