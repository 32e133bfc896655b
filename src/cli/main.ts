#!/usr/bin/env node
import { CommanderError } from "commander";
import { createPrinter, type ExitCode } from "./printer.ts";
import { createProgram } from "./program.ts";

/** Parses, loads only what the command needs, and turns its answer into the exit code. */
let code: ExitCode = 0;
const exit = (answer: ExitCode): void => {
  code = answer;
};
try {
  await createProgram({ printer: createPrinter(), exit }).parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  code = error.exitCode === 0 ? 0 : 2;
}
process.exitCode = code;
