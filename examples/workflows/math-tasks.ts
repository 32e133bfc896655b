import type { MathTask } from "./task.ts";

function task(id: string, answer: string, text: string): MathTask {
  return { domain: "math", id, text, answer };
}

/** From easy to hard, each with one exact answer. */
export const MATH_TASKS: readonly MathTask[] = [
  task(
    "bakery",
    "84",
    "A bakery fills 7 trays with 12 rolls each. How many rolls does it bake in all?",
  ),
  task(
    "discount",
    "68",
    "A coat costs 80 euros. Its price falls by 15 percent. What does it cost now, in euros?",
  ),
  task(
    "two-taps",
    "12",
    "One tap fills a tank in 20 minutes, another in 30. How many minutes do both together need?",
  ),
  task(
    "dice-seven",
    "1/6",
    "Two fair dice are thrown. What is the probability that they show 7 together? Give a reduced fraction.",
  ),
  task("divisors", "24", "How many positive divisors does 360 have?"),
  task("last-digit", "1", "What is the last digit of 3 to the power of 2024?"),
  task(
    "handshakes",
    "66",
    "At a meeting of 12 people everyone shakes hands with everyone else once. How many handshakes are there?",
  ),
  task(
    "three-odd",
    "333",
    "The sum of three consecutive odd numbers is 993. What is the largest of them?",
  ),
  task(
    "root-sum",
    "5/2",
    "What is the sum of the two solutions of 2x^2 - 5x + 1 = 0? Give a reduced fraction.",
  ),
  task("digit-sum", "73", "How many whole numbers from 1 to 1000 have a digit sum of 12?"),
  task(
    "lattice-paths",
    "70",
    "A path goes from (0, 0) to (4, 4) by steps of 1 to the right or up. How many such paths are there?",
  ),
  task(
    "remainder",
    "23",
    "What is the smallest positive number that leaves 2 when divided by 3, 3 when divided by 5, and 2 when divided by 7?",
  ),
];
