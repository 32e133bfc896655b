import { writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { importChats } from "../sim/chat-import.ts";
import { importTraces } from "../sim/trace-import.ts";
import { openTraceReader } from "../store/trace-reader.ts";
import type { ExitCode, Printer } from "./printer.ts";

export interface ImportFlags {
  readonly file: string;
  readonly format: "traces" | "chats";
  readonly out: string;
  readonly tasksOut: string | undefined;
}

/** `chimera import`: a gateway's trace store, or logged conversations, as runs. */
export async function importRuns(flags: ImportFlags, printer: Printer): Promise<ExitCode> {
  return flags.format === "traces" ? fromTraces(flags, printer) : fromChats(flags, printer);
}

async function fromTraces(flags: ImportFlags, printer: Printer): Promise<ExitCode> {
  const opened = openTraceReader(flags.file);
  if (!opened.ok) {
    printer.say(opened.message);
    return 1;
  }
  const { reader } = opened;
  try {
    const { runs, withoutScore, withoutStages } = importTraces(reader.workflows(), reader.stages());
    await writeLines(flags.out, runs);
    printer.out(`${flags.out}: ${runs.length} runs`);
    if (withoutScore > 0) printer.say(`${withoutScore} workflows have no score and are left out`);
    if (withoutStages > 0) printer.say(`${withoutStages} workflows completed no stage`);
    return 0;
  } finally {
    reader.close();
  }
}

async function fromChats(flags: ImportFlags, printer: Printer): Promise<ExitCode> {
  const { runs, tasks, withoutAnswer, problems } = await importChats(flags.file);
  for (const { line, message } of problems) printer.say(`${flags.file}:${line}: ${message}`);
  if (withoutAnswer > 0) printer.say(`${withoutAnswer} conversations hold no answer`);
  if (problems.length > 0) return 1;
  await writeLines(flags.out, runs);
  printer.out(`${flags.out}: ${runs.length} runs`);
  if (flags.tasksOut === undefined) return 0;
  await writeLines(flags.tasksOut, tasks);
  printer.out(`${flags.tasksOut}: ${tasks.length} tasks`);
  return 0;
}

async function writeLines(file: string, rows: readonly unknown[]): Promise<void> {
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  await writeFile(file, file.endsWith(".gz") ? gzipSync(text) : text);
}
