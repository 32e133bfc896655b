import { Command } from "commander";
import { addCompletion } from "./completion-command.ts";
import { addProfile } from "./engine-commands.ts";
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
import { commandPath, leafCommands } from "./command-tree.ts";
import { EXAMPLES } from "./examples.ts";
import { addExplain, addTop } from "./insight-commands.ts";
import { addCheck, addDemo, addEmulate, addKey, addServe, addUp } from "./serving-commands.ts";
import type { Session } from "./session.ts";
import { addDoctor, addInit } from "./setup-commands.ts";

/** Every command, in the order of the help. */
export function createProgram(session: Session): Command {
  const program = new Command("chimera")
    .description("One scheduler between agents and their engines.")
    .showHelpAfterError()
    .exitOverride();
  addUp(program, session);
  addInit(program, session);
  addDoctor(program, session);
  addCheck(program, session);
  addServe(program, session);
  addTop(program, session);
  addExplain(program, session);
  addKey(program, session);
  addProfile(program, session);
  addDemo(program, session);
  addEmulate(program, session);
  addReplay(program, session);
  addSimulate(program, session);
  addEvaluate(program, session);
  addTrain(program, session);
  addPredict(program, session);
  addEval(program, session);
  addImport(program, session);
  addGenerate(program, session);
  addCompletion(program, session);
  for (const command of leafCommands(program)) {
    const examples = EXAMPLES[commandPath(command)] ?? [];
    const lines = examples.map((line) => `\n  chimera ${line}`).join("");
    command.addHelpText("after", `\nExample:${lines}`);
  }
  return program;
}
