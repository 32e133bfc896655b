import type { CodeTask, ProgramTest } from "./task.ts";

/** Inputs and outputs as pairs; the first pair is the example. */
function task(id: string, text: string, pairs: readonly (readonly [string, string])[]): CodeTask {
  const tests = pairs.map(([input, output]): ProgramTest => ({ input, output }));
  const [example = { input: "", output: "" }, ...hidden] = tests;
  return { domain: "code", id, text, example, tests: hidden };
}

/** From easy to hard; every program reads standard input and writes standard output. */
export const CODE_TASKS: readonly CodeTask[] = [
  task("even-sum", "The only line holds whole numbers. Print the sum of the even ones.", [
    ["1 2 3 4", "6"],
    ["7 9 11", "0"],
    ["-2 5 -4 10", "4"],
  ]),
  task("mirror", "Print yes when the only line reads the same from both ends, otherwise no.", [
    ["level", "yes"],
    ["levels", "no"],
    ["a", "yes"],
    ["abba", "yes"],
  ]),
  task(
    "count-words",
    "The only line is a text. Print how many different words it has; case matters not.",
    [
      ["The cat and the dog", "4"],
      ["one One ONE", "1"],
      ["a b c a", "3"],
    ],
  ),
  task(
    "primes",
    "The only line holds a whole number n of at least 0. Print how many primes are at most n.",
    [
      ["10", "4"],
      ["1", "0"],
      ["2", "1"],
      ["10000", "1229"],
    ],
  ),
  task(
    "run-lengths",
    "Shorten the only line: print each run of equal letters as the letter and its length.",
    [
      ["aaabcc", "a3b1c2"],
      ["z", "z1"],
      ["xyyyyyyyyyyx", "x1y10x1"],
    ],
  ),
  task(
    "brackets",
    "The only line holds brackets of the kinds (), [] and {}. Print ok when they match, otherwise bad.",
    [
      ["([]{})", "ok"],
      ["([)]", "bad"],
      ["((", "bad"],
      ["}{", "bad"],
    ],
  ),
  task(
    "second-largest",
    "The only line holds whole numbers. Print the second largest different value, or none.",
    [
      ["3 1 3 2", "2"],
      ["5 5 5", "none"],
      ["-1 -2", "-2"],
    ],
  ),
  task("roman", "The only line holds a Roman number below 4000. Print its value.", [
    ["XIV", "14"],
    ["MCMXCIV", "1994"],
    ["III", "3"],
    ["CDXLIV", "444"],
  ]),
  task(
    "best-stretch",
    "The only line holds at least one whole number. Print the largest sum of neighbours, at least one of them.",
    [
      ["-2 1 -3 4 -1 2 1 -5 4", "6"],
      ["-3 -1 -2", "-1"],
      ["5", "5"],
    ],
  ),
  task(
    "coins",
    "The first line holds an amount, the second the values of coins. Print the fewest coins that make it, or -1.",
    [
      ["11\n1 2 5", "3"],
      ["3\n2", "-1"],
      ["6\n1 3 4", "2"],
      ["0\n7", "0"],
    ],
  ),
  task(
    "grid-steps",
    "The lines are rows of a grid of . and #. Print the fewest steps from the top left cell to the bottom right one, up, down, left or right over dots, or -1.",
    [
      ["..\n..", "2"],
      [".#.\n.#.\n...", "4"],
      [".#\n#.", "-1"],
      [".", "0"],
    ],
  ),
  task(
    "common-letters",
    "Two lines hold two words. Print the length of their longest common subsequence.",
    [
      ["abcde\nace", "3"],
      ["abc\nxyz", "0"],
      ["aggtab\ngxtxayb", "4"],
    ],
  ),
];
