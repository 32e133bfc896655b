import type { ApiKeyConfig, Config } from "../config/config.ts";
import type { Knobs } from "../core/types.ts";

/** A name that clients may ask for, with the real models that may serve it. */
export interface Pool {
  readonly name: string;
  readonly isVirtual: boolean;
  /** Real models, in the order of the configuration. */
  readonly candidates: readonly string[];
  readonly knobs: Knobs | null;
  /** Every engine that may serve it has the Responses API. */
  readonly hasResponses: boolean;
}

/** What the models route tells of one. */
export interface ModelListing {
  readonly id: string;
  readonly object: "model";
  readonly created: number;
  readonly owned_by: string;
  /** Of virtual models only. */
  readonly candidates?: readonly string[];
}

export interface ModelCatalogue {
  find(name: string): Pool | undefined;
  readonly listings: readonly ModelListing[];
}

/** The catalogue of the config that is in force. */
export class Models implements ModelCatalogue {
  readonly #createdSeconds: number;
  #catalogue: ModelCatalogue;

  constructor(config: Config, createdSeconds: number) {
    this.#createdSeconds = createdSeconds;
    this.#catalogue = modelCatalogue(config, createdSeconds);
  }

  get listings(): readonly ModelListing[] {
    return this.#catalogue.listings;
  }

  find(name: string): Pool | undefined {
    return this.#catalogue.find(name);
  }

  configure(config: Config): void {
    this.#catalogue = modelCatalogue(config, this.#createdSeconds);
  }
}

/** Every name the configuration serves: virtual models first, then each real one once. */
export function modelCatalogue(config: Config, createdSeconds: number): ModelCatalogue {
  const pools = new Map<string, Pool>();
  const listings: ModelListing[] = [];
  for (const { name, candidates, knobs } of config.models) {
    const hasResponses = haveResponses(config, candidates);
    pools.set(name, { name, isVirtual: true, candidates, knobs, hasResponses });
    listings.push({ ...listing(name, createdSeconds, "chimera"), candidates });
  }
  for (const { model, kind } of config.engines) {
    if (pools.has(model)) continue;
    const candidates = [model];
    const hasResponses = haveResponses(config, candidates);
    pools.set(model, { name: model, isVirtual: false, candidates, knobs: null, hasResponses });
    listings.push(listing(model, createdSeconds, kind));
  }
  return { find: (name) => pools.get(name), listings };
}

/** A key that names its models knows of no others. */
export function mayAskFor(key: ApiKeyConfig | null, model: string): boolean {
  return key === null || key.models === null || key.models.includes(model);
}

function haveResponses({ engines }: Config, models: readonly string[]): boolean {
  return engines.every(({ model, responses }) => responses || !models.includes(model));
}

function listing(id: string, created: number, ownedBy: string): ModelListing {
  return { id, object: "model", created, owned_by: ownedBy };
}
