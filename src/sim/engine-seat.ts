import type { EngineSpec } from "../core/types.ts";
import { EngineModel } from "./engine-model.ts";
import type { SimulatedRequest } from "./running-workflow.ts";

/** One simulated engine: what the core knows of it, and the model that runs it. */
export interface SimulatedEngine {
  readonly spec: EngineSpec;
  readonly model: EngineModel<SimulatedRequest>;
}

/** An engine in the run: asked only when its time has come or something has reached it. */
export class EngineSeat {
  readonly spec: EngineSpec;
  /** Another one after a crash. */
  model: EngineModel<SimulatedRequest>;
  /** When its iterations under way end. */
  nextEventMs: number = Number.POSITIVE_INFINITY;
  /** Something has happened to it since it last began. */
  changed: boolean = false;

  constructor({ spec, model }: SimulatedEngine) {
    this.spec = spec;
    this.model = model;
  }

  enqueue(request: SimulatedRequest, nowMs: number): void {
    this.model.enqueue(request, nowMs);
    this.#note();
  }

  cancel(id: string, nowMs: number): void {
    this.model.cancel(id, nowMs);
    this.#note();
  }

  /** It dies with all that it runs, queues and keeps; what is there from now on is empty. */
  crash(): void {
    this.model = new EngineModel(this.model.spec, this.model.policy);
    this.#note();
  }

  begin(nowMs: number): void {
    this.model.begin(nowMs);
    this.#note();
    this.changed = false;
  }

  #note(): void {
    this.nextEventMs = this.model.nextEventMs();
    this.changed = true;
  }
}
