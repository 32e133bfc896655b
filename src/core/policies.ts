import type { Policy } from "./types.ts";

/** The default: price, static key, late choice, sticky once started (findings, section 2), and a W that counts what runs. */
export const AUTO: Policy = {
  choice: "auto",
  order: "smith-age",
  assign: "workflow",
  price: 0.2,
  target: null,
  slack: null,
  minGain: 0.1,
  ownWork: false,
  countsRunning: true,
  countsDelay: true,
  liveBatch: true,
  orderBy: "choice",
  starvationThreshold: 0,
  starvationQuantum: 10,
  ageScale: 10,
  lateChoiceRequestsMax: 48,
  stickinessBonus: null,
};

/** Algorithm 1 with the paper's order and aging; S and Q as in LTR (2408.15792), tau and delta_s are ours to choose. */
const PAPER: Policy = {
  ...AUTO,
  choice: "paper",
  order: "stjf",
  slack: 1,
  starvationThreshold: 200,
  lateChoiceRequestsMax: 0,
};

/** vLLM's balancer over engines that serve first come first served; one engine for a workflow. */
const BALANCER: Policy = { ...AUTO, choice: "balancer", order: "fcfs", lateChoiceRequestsMax: 0 };

/** Policies by name, for configs, experiments and the command line. Baselines name their source. */
export const POLICIES: Readonly<Record<string, Policy>> = {
  auto: AUTO,
  "auto-quality": { ...AUTO, price: 0.1 },
  "auto-speed": { ...AUTO, price: 0.4 },
  "auto-stjf": { ...AUTO, order: "stjf" },
  paper: PAPER,
  "paper-own-work": { ...PAPER, ownWork: true },
  balancer: BALANCER,
  "balancer-stage": { ...BALANCER, assign: "stage" },
  "round-robin": { ...BALANCER, choice: "round-robin" },
  "least-tokens": { ...BALANCER, choice: "least-tokens" },
  random: { ...BALANCER, choice: "random" },
  "smallest-model": { ...BALANCER, choice: "smallest-model" },
  "largest-model": { ...BALANCER, choice: "largest-model" },
  quickest: { ...BALANCER, choice: "quickest" },
  "most-confident": { ...BALANCER, choice: "most-confident" },
  /** A weighted score in the manner of RouteBalance (2606.17949): live batch, own work, no queue order. */
  weighted: { ...BALANCER, choice: "weighted", price: 0.5 },
  /** KV memory over time of what is left, the least first (Justitia 2510.17015), behind auto's choice. */
  "auto-kv-cost": { ...AUTO, order: "kv-cost" },
  /** Skip-join multi-level feedback (FastServe 2305.05920) behind the balancer. */
  mlfq: { ...BALANCER, order: "mlfq" },
  /** Shortest request first with aging (LTR 2408.15792) behind the balancer. */
  ltr: { ...BALANCER, order: "sjf", starvationThreshold: 200 },
  /** Least attained service of the workflow first (Autellix 2502.13965) behind the balancer. */
  plas: { ...BALANCER, order: "plas" },
  stjf: { ...BALANCER, order: "stjf" },
  wffcfs: { ...BALANCER, order: "wffcfs" },
};
