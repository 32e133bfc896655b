import type { Random } from "../core/random.ts";
import { countTokens } from "../workflow/token-count.ts";
import { normal, type ProblemDraw } from "./generated-course.ts";
import type { Domain } from "./generated-models.ts";

/**
 * Made-up texts. A problem shows its difficulty only weakly: harder ones tend to have harder goals
 * and more conditions. What stages say is filler of the right length and of their role's kind.
 */

interface Vocabulary {
  readonly things: readonly string[];
  readonly easyGoals: readonly string[];
  readonly hardGoals: readonly string[];
  readonly conditions: readonly string[];
}

const VOCABULARIES: Readonly<Record<Domain, Vocabulary>> = {
  code: {
    things: ["parcels", "tram stops", "tickets", "jars", "bees", "lanterns", "kites", "shelves"],
    easyGoals: [
      "print how many of the {things} have an even weight",
      "print the heaviest of the {things}",
      "print the weights of the {things} in rising order",
      "print the sum of the weights without the largest one",
    ],
    hardGoals: [
      "print the least number of swaps that puts the {things} in an order without two equal neighbours",
      "print the number of ways to split the {things} into groups of equal total weight, modulo 1000000007",
      "print the length of the longest path over the {things} that never uses an edge twice",
      "answer every query for the median weight of the {things} between two positions",
    ],
    conditions: [
      "Weights fit into 64 bits.",
      "There may be up to 200000 of them, and the limit is two seconds.",
      "Positions count from one and the last is followed by the first.",
      "Some of them are removed while the queries are read.",
      "If there is no answer, print -1.",
      "Two of equal weight must keep their order.",
    ],
  },
  math: {
    things: ["marbles", "tiles", "rowers", "candles", "windows", "ropes", "barrels", "stamps"],
    easyGoals: [
      "How many {things} are left when a third of them is given away?",
      "How many {things} does each child get, and how many remain?",
      "What do the {things} cost together after a discount of ten percent?",
      "How many {things} are there on average in a row?",
    ],
    hardGoals: [
      "In how many ways can the {things} be placed around a circle so that no two red ones touch?",
      "What is the probability that the last two of the {things} have the same colour?",
      "Find the remainder of the number of such arrangements of the {things} on division by 1009.",
      "For which real numbers does the sum over the {things} reach its least value?",
    ],
    conditions: [
      "Rotations count as the same.",
      "Each of them has one of three colours, drawn without replacement.",
      "Give the exact value, not a decimal.",
      "The first and the last must differ.",
      "Assume that every choice is equally likely.",
      "Their lengths are consecutive odd integers.",
    ],
  },
};

const CONDITIONS_BASE = 1.5;
const CONDITIONS_NOISE = 0.9;
const COUNT_MAX = 60;

/** A problem's prompt. */
export function promptText(problem: ProblemDraw, random: Random): string {
  const { things, easyGoals, hardGoals, conditions } = VOCABULARIES[problem.domain];
  const { difficulty } = problem;
  const thing = pick(things, random);
  const isHard = normal(random) < difficulty;
  const goal = pick(isHard ? hardGoals : easyGoals, random).replace("{things}", thing);
  const wished = Math.round(CONDITIONS_BASE + difficulty + CONDITIONS_NOISE * normal(random));
  const told = shuffled(conditions, random).slice(0, Math.max(0, wished));
  const count = 3 + Math.floor(random.next() * COUNT_MAX);
  const opening =
    problem.domain === "code"
      ? `Write a program that reads the weights of ${count} ${thing} and does the following: ${goal}.`
      : `There are ${count} ${thing} in a hall. ${goal}`;
  return [opening, ...told].join(" ");
}

/** Sentences by what a role does; `~` is a small number, `@` a name. */
const SENTENCES: Readonly<Record<string, readonly string[]>> = {
  planner: [
    "Step ~: read the input and keep what matters in @. ",
    "We first need @, since everything else follows from it. ",
    "The hard part is to bring @ and @ together; leave it for later. ",
    "Check the smallest case, where @ is ~, by hand. ",
    "An order that starts from @ avoids going back. ",
    "The plan is complete once @ has been compared with @. ",
  ],
  coder: [
    "def take_@(@, limit=~):\n    return [x for x in @ if x > limit]\n",
    "for @ in range(~):\n    total += @ * ~\n",
    "if @ == ~:\n    print(@)\n",
    "# @ is never larger than ~\n@ = max(@, ~)\n",
    "while @ and @[-1] < ~:\n    @.pop()\n",
    "seen = {@: ~ for @ in items}\n",
  ],
  qa: [
    "With @ = ~ the program prints ~, as it should. ",
    "The case of an empty @ is not covered. ",
    "Variable @ is read before it is set. ",
    "Run time grows with @ squared, which is too slow for ~00000. ",
  ],
  solver: [
    "Let @ be the number of cases, so that @ + ~ = ~. ",
    "Substituting @ gives ~@ - ~ = 0. ",
    "Because @ is odd, @ must be a multiple of ~. ",
    "We count the complement: ~ cases fall away, and @ remain. ",
    "Hence @ = ~/~, and the sum is ~. ",
    "Now look at @ again: it can take ~ values. ",
  ],
  verifier: [
    "The step from @ to @ holds for every value above ~. ",
    "Putting ~ back into the equation gives ~, which agrees. ",
    "It is not shown why @ cannot be ~. ",
    "The division by @ needs @ to differ from 0. ",
  ],
};

const NAMES = ["a", "b", "n", "k", "left", "right", "best", "rows", "mass", "gap"];
const NUMBER_MAX = 12;

/** What a stage says, of about `tokens` tokens; a run that does not find its end repeats itself. */
export function answerText(role: string, tokens: number, repeats: boolean, random: Random): string {
  const sentences = (SENTENCES[role] ?? SENTENCES["planner"] ?? []).map((sentence) =>
    filled(sentence, random),
  );
  const again = pick(sentences, random);
  const parts: string[] = [];
  for (let left = tokens; left > 0;) {
    const part = repeats ? again : pick(sentences, random);
    parts.push(part);
    left -= countTokens(part);
  }
  return parts.join("").trimEnd();
}

function filled(sentence: string, random: Random): string {
  return sentence.replaceAll(/[~@]/g, (mark) =>
    mark === "~" ? String(Math.floor(random.next() * NUMBER_MAX)) : pick(NAMES, random),
  );
}

function pick<T>(values: readonly T[], random: Random): T {
  const value = values[Math.floor(random.next() * values.length)];
  if (value === undefined) throw new Error("nothing to pick from");
  return value;
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  return values
    .map((value) => ({ value, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
