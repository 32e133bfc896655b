import type { Config } from "../config/config.ts";
import { systemClock } from "../engine/clock.ts";
import { ColdStart } from "../predict/cold-start.ts";
import { CorrectedEstimator, CorrectedPredictor } from "../predict/corrected.ts";
import { LearnedPredictor } from "../predict/learned-predictor.ts";
import type { ServedFiles } from "../predict/open-learned.ts";
import { ResidualCorrection } from "../predict/residual-correction.ts";
import type { PredictionServiceCounts, SwapResult } from "../predict/service-limits.ts";
import { readLearned } from "./learned-files.ts";
import { reloadModels } from "./model-reload.ts";
import type { ExitCode, Printer } from "./printer.ts";
import type { ServeHooks } from "./serve.ts";

/** What learned models answer for a gateway. */
type LearnedHooks = Pick<ServeHooks, "estimator" | "learner" | "predictor" | "predictorCounts">;

/** Runs `serve` with the models of a config's files, and ends them after it. */
export async function withLearned(
  config: Config,
  printer: Printer,
  serve: (hooks: LearnedHooks) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { lengthModel, routerModel, budgetMs: _budgetMs, ...limits } = config.prediction;
  const paths = { lengthModel, routerModel };
  const priors = Object.fromEntries(config.engines.map((each) => [each.model, each.confidence]));
  const learned = await readLearned(paths, priors, printer);
  if (learned === null) return 2;
  const base = new ColdStart({ confidence: priors });
  const predictor = new LearnedPredictor({
    files: learned.files,
    base,
    clock: systemClock,
    onProblem: (message) => printer.say(message),
    limits,
  });
  const predictorCounts = (): PredictionServiceCounts => predictor.counts();
  const correction = new ResidualCorrection();
  const swap = async (files: ServedFiles): Promise<SwapResult> => {
    const result = await predictor.swap(files);
    if (result.ok) correction.reset();
    return result;
  };
  const reload = await reloadModels({ paths, priors, predictor: { swap }, printer });
  const corrected = {
    learner: base,
    estimator: new CorrectedEstimator(base, correction),
    predictor: new CorrectedPredictor(predictor, correction),
  };
  try {
    return await serve({ ...corrected, predictorCounts });
  } finally {
    reload.close();
    await predictor.close();
  }
}
