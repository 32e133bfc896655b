import { expect, test } from "vitest";
import { madeRouterExamples, madeRouterFacts } from "../../test/predict/router-made.ts";
import { decodeModelFile, encodeModelFile } from "../learn/model-file.ts";
import { loadRouterModel, type RouterModel } from "./router-model.ts";
import { specialtiesOf, workflowOf } from "./router-specialty.ts";
import { trainRouter } from "./router-training.ts";

/** Half of the examples are of one workflow in two templates, half of another, where "prove" is easy. */
const EXAMPLES = [
  ...madeRouterExamples(600, 3).map((example, index) => ({
    ...example,
    facts: { ...example.facts, kind: `usual/${index % 2}` },
  })),
  ...madeRouterExamples(600, 4).map((example) => ({
    ...example,
    facts: { ...example.facts, kind: "inverse" },
    success: Number(example.facts.text?.user.includes("prove")),
  })),
];
const BYTES = trainRouter(EXAMPLES, { seed: 1, date: "", treeCount: 10 });

function load(bytes: Uint8Array): RouterModel {
  const router = loadRouterModel(bytes);
  if (!router.ok) throw new Error(router.fault.message);
  return router.value;
}

test("a specialty is a workflow with outcomes enough, whatever the template, but not most of all", () => {
  const kinds = specialtiesOf(EXAMPLES).map(({ workflow, examples }) => [
    workflow,
    examples.length,
  ]);
  expect(kinds).toEqual([
    ["inverse", 1200],
    ["usual", 1200],
  ]);
  expect(specialtiesOf(EXAMPLES.slice(0, 1300))).toEqual([]);
  expect(specialtiesOf(EXAMPLES.slice(0, 1000))).toEqual([]);
  expect(workflowOf("actor-tool/84d17681a4")).toBe("actor-tool");
});

test("words that mean the opposite in two workflows are told apart", () => {
  const router = load(BYTES);
  const confidence = (kind: string, user: string): number =>
    router.confidence(madeRouterFacts(kind, user), ["small"])[0]?.confidence ?? Number.NaN;
  const [easy, hard] = ["sum list graph prime?", "sum list graph prove?"];
  expect(confidence("usual/0", hard)).toBeLessThan(confidence("usual/0", easy) - 0.1);
  expect(confidence("inverse", hard)).toBeGreaterThan(confidence("inverse", easy) + 0.2);
});

test("a file whose specialist is missing or damaged is refused", () => {
  const file = decodeModelFile(BYTES);
  if (!file.ok) throw new Error(file.fault.message);
  const codeWith = (specialist: Uint8Array): string => {
    const sections = { ...file.value.sections, specialist1: specialist };
    const loaded = loadRouterModel(encodeModelFile({ ...file.value, sections }));
    return loaded.ok ? "ok" : loaded.fault.code;
  };
  const whole = file.value.sections["specialist1"];
  if (!(whole instanceof Uint8Array)) throw new Error("there are two specialists");
  expect(codeWith(whole)).toBe("ok");
  expect(codeWith(new Uint8Array())).toBe("not-a-model");
  expect(codeWith(whole.slice(0, -8))).toBe("damaged");
  const { specialist1: _left, ...rest } = file.value.sections;
  const loaded = loadRouterModel(encodeModelFile({ ...file.value, sections: rest }));
  expect(loaded).toMatchObject({ ok: false, fault: { code: "unfit" } });
});
