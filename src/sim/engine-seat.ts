import type { EngineSpec } from "../core/types.ts";
import type { EngineModel } from "./engine-model.ts";
import type { SimulatedRequest } from "./running-workflow.ts";

/** One simulated engine: what the core knows of it, and the model that runs it. */
export interface SimulatedEngine {
  readonly spec: EngineSpec;
  readonly model: EngineModel<SimulatedRequest>;
}

/** An engine in the run: asked only when its time has come or something has reached it. */
export class EngineSeat {
  readonly engine: SimulatedEngine;
  /** When its iterations under way end. */
  nextEventMs: number = Number.POSITIVE_INFINITY;
  /** Something has happened to it since it last began. */
  changed: boolean = false;

  constructor(engine: SimulatedEngine) {
    this.engine = engine;
  }

  enqueue(request: SimulatedRequest, nowMs: number): void {
    this.engine.model.enqueue(request, nowMs);
    this.#note();
  }

  cancel(id: string, nowMs: number): void {
    this.engine.model.cancel(id, nowMs);
    this.#note();
  }

  begin(nowMs: number): void {
    this.engine.model.begin(nowMs);
    this.#note();
    this.changed = false;
  }

  #note(): void {
    this.nextEventMs = this.engine.model.nextEventMs();
    this.changed = true;
  }
}
