import { expect, test } from "vitest";
import { countTokens } from "../workflow/token-count.ts";
import { lastStageFacts, lengthExamples, stageFacts } from "./length-examples.ts";
import type { Run, RunStage } from "./run-file.ts";

const TEXTS = {
  tasks: [{ task_id: "t", prompt: "Add 1 and 2." }],
  templates: [{ template: "x", text: "You may run code.\n{TASK}\n" }],
};

function stage(role: string | null, out: string, env: string, outTokens: number | null): RunStage {
  return { role, model: `${role}-model`, in_chars: 99, in_tok: 77, out_tok: outTokens, out, env };
}

const RUN: Run = {
  v: 1,
  dataset: "made",
  subset: "sums",
  task_id: "t",
  workflow: "actor-critic",
  models: { actor: "actor-model", critic: "critic-model" },
  trial: 0,
  reward: 1,
  part: "train",
  template: "x",
  stages: [
    stage("actor", "I run it.", "Observation: 4", 30),
    stage("critic", "This is BAD.", "", 10),
    stage("actor", "It is 3.", "", 20),
  ],
};

test("a run becomes one example per stage, with all tokens from it on", () => {
  const { examples } = lengthExamples([RUN], TEXTS, null);
  expect(
    examples.map(({ model, remaining, stageTokens, group }) => [
      model,
      remaining,
      stageTokens,
      group,
    ]),
  ).toEqual([
    ["actor-model", 60, 30, "t"],
    ["critic-model", 30, 10, "t"],
    ["actor-model", 20, 20, "t"],
  ]);
});

test("each agent sees its own outputs as the assistant's", () => {
  const facts = stageFacts(RUN, "the opening");
  expect(facts.map(({ text }) => text?.recent)).toEqual([
    [],
    [
      { role: "actor", content: "I run it." },
      { role: "user", content: "Observation: 4" },
    ],
    [
      { role: "assistant", content: "I run it." },
      { role: "user", content: "Observation: 4" },
      { role: "critic", content: "This is BAD." },
    ],
  ]);
});

test("prompt tokens are counted from the text, never taken from the record", () => {
  const opening = "You may run code.\nAdd 1 and 2.\n";
  const user = countTokens(opening) + 4;
  const facts = stageFacts(RUN, opening);
  expect(facts.map(({ promptTokens }) => promptTokens)).toEqual([
    user,
    user + 30 + 4 + countTokens("Observation: 4") + 4,
    user + 30 + 4 + countTokens("Observation: 4") + 4 + 10 + 4,
  ]);
  expect(facts.map(({ producedTokens }) => producedTokens)).toEqual([[], [30], [30, 10]]);
});

test("a kind is the workflow and its template, and never the name of the task set", () => {
  const kinds = [RUN, { ...RUN, template: null }].map((run) => stageFacts(run, "")[0]?.kind);
  expect(kinds).toEqual(["actor-critic/x", "actor-critic"]);
});

test("runs of other parts and runs without lengths are left out", () => {
  const unknown = { ...RUN, stages: [stage("actor", "hello", "", null)] };
  const valid = { ...RUN, part: "valid" };
  const { examples, runsWithoutLengths } = lengthExamples([RUN, unknown, valid], TEXTS, ["train"]);
  expect([examples.length, runsWithoutLengths]).toEqual([3, 1]);
});

test("a run that was cut before a stage gives the facts before that stage", () => {
  const whole = stageFacts(RUN, "You may run code.\nAdd 1 and 2.\n");
  const cut = { ...stage("actor", "", "", null), in_chars: null, in_tok: null };
  const [facts] = lastStageFacts([{ ...RUN, stages: [...RUN.stages.slice(0, 2), cut] }], TEXTS);
  expect(facts).toEqual(whole[2]);
});
