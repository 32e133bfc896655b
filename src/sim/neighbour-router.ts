import { assert } from "../core/assert.ts";
import { createNeighbours, findNearest, meanOfNearest } from "../learn/neighbours.ts";
import { gatherCases, type RouterCases, type RouterExample } from "../predict/router-cases.ts";
import { createPromptReader, fitRouterEncoder } from "../predict/router-encoder.ts";
import { PROMPT_NUMBERS } from "../predict/router-features.ts";
import type { RouterModel } from "../predict/router-model.ts";

const NEIGHBOURS = 10;
/** Outcomes of its own that weigh as much as a model's rate. */
const LEANING_ROWS = 5;
const SEED = 1;
/** In a prompt's row the axes come after the family and the counts. */
const AXES_AT = 1 + PROMPT_NUMBERS.length;

/**
 * A baseline: a model solves a task as often as it solved the ten nearest known ones, by the cosine of their texts' axes
 * (TF-IDF, SVD), leaning on its rate. Deterministic; null where the texts have no word in
 * common. No example with text throws.
 */
export function createNeighbourRouter(examples: readonly RouterExample[]): RouterModel | null {
  const encoder = fitRouterEncoder(
    examples.map(({ facts }) => facts),
    SEED,
  );
  const read = createPromptReader(encoder);
  const cases = gatherCases(examples, encoder, read);
  const [first] = cases.prompts;
  if (first === undefined || first.row.length === AXES_AT) return null;
  const neighbours = createNeighbours(axesOf(cases), first.row.length - AXES_AT);
  const rates = cases.labels.map(rateOf);
  const places = new Map(cases.models.map((model, place) => [model, place]));
  return {
    facts: { neighbours: NEIGHBOURS, prompts: cases.prompts.length },
    models: cases.models,
    confidence: (facts, models) => {
      const prompt = read(facts);
      const nearest =
        prompt === null ? null : findNearest(neighbours, prompt.row.slice(AXES_AT), NEIGHBOURS);
      return models.map((model) => {
        const place = places.get(model);
        if (place === undefined) return { model, confidence: 0.5, source: "neighbours-prior(n=0)" };
        const rate = rates[place] ?? 0.5;
        const labels = cases.labels[place];
        assert(labels !== undefined, "a model that is known has labels");
        const mean = nearest === null ? null : meanOfNearest(nearest, labels);
        const confidence =
          mean === null
            ? rate
            : (NEIGHBOURS * mean + LEANING_ROWS * rate) / (NEIGHBOURS + LEANING_ROWS);
        return { model, confidence, source: `neighbours(n=${NEIGHBOURS})` };
      });
    },
  };
}

function axesOf({ prompts }: RouterCases): Float32Array {
  const axes = prompts.map(({ row }) => row.subarray(AXES_AT));
  const dimensions = axes[0]?.length ?? 0;
  const all = new Float32Array(prompts.length * dimensions);
  axes.forEach((each, index) => all.set(each, index * dimensions));
  return all;
}

/** Mean of the known labels, never quite 0 or 1. */
function rateOf(labels: Float64Array): number {
  const known = labels.filter((label) => !Number.isNaN(label));
  return (known.reduce((sum, label) => sum + label, 0) + 0.5) / (known.length + 1);
}
