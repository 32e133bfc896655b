#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { addEval } from "./eval-command.ts";
import {
  addEvaluate,
  addGenerate,
  addImport,
  addPredict,
  addReplay,
  addSimulate,
  addTrain,
} from "./evidence-commands.ts";
import { addProfile } from "./engine-commands.ts";
import { addExplain, addTop } from "./insight-commands.ts";
import { addDoctor, addInit } from "./setup-commands.ts";
import { createPrinter, type ExitCode } from "./printer.ts";
import { addCheck, addDemo, addEmulate, addKey, addServe, addUp } from "./serving-commands.ts";
import type { Session } from "./session.ts";

/** The command line: parses, loads only what the command needs, and turns its answer into the exit code. */
function createProgram(session: Session): Command {
  const program = new Command("chimera")
    .description("One scheduler between agents and their engines.")
    .showHelpAfterError()
    .exitOverride();
  addUp(program, session);
  addDemo(program, session);
  addServe(program, session);
  addEmulate(program, session);
  addReplay(program, session);
  addSimulate(program, session);
  addEvaluate(program, session);
  addTrain(program, session);
  addPredict(program, session);
  addEval(program, session);
  addImport(program, session);
  addGenerate(program, session);
  addInit(program, session);
  addCheck(program, session);
  addDoctor(program, session);
  addProfile(program, session);
  addTop(program, session);
  addExplain(program, session);
  addKey(program, session);
  return program;
}

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
