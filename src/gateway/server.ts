import type { Config } from "../config/config.ts";
import { coreConfigOf } from "../config/core-config.ts";
import { showConfig } from "../config/show.ts";
import type { View } from "../core/view.ts";
import { Metrics } from "../observe/metrics.ts";
import { ColdStart } from "../predict/cold-start.ts";
import type { Drift } from "../predict/drift.ts";
import type { Learner, Predictor } from "../predict/port.ts";
import { watched } from "../predict/watched.ts";
import type { TraceStore } from "../store/trace-store.ts";
import { Sessions } from "../workflow/sessions.ts";
import { AdminApi } from "./admin-api.ts";
import { Callers } from "./callers.ts";
import type { AppOptions } from "./app.ts";
import { ConfigInForce, type ReloadResult } from "./config-in-force.ts";
import { DecisionRing } from "./decision-ring.ts";
import { Driver, type StepObserver } from "./driver.ts";
import { Engines } from "./engines.ts";
import { EventLog } from "./event-log.ts";
import type { Feedback } from "./feedback.ts";
import type { Door } from "./entrance.ts";
import { Front, type GatewayAddress } from "./front.ts";
import {
  confidenceOf,
  type GatewayOptions,
  openSurroundings,
  type Surroundings,
} from "./gateway-options.ts";
import { KeyLimits } from "./key-limits.ts";
import { Models } from "./models.ts";
import { readinessOf } from "./readiness.ts";
import { WorkflowRecorder } from "./recorder.ts";
import { Relay } from "./relay.ts";
import { StateKeeper } from "./state-keeper.ts";
import { stepLog } from "./step-log.ts";
import { clusterView } from "./ui-cluster.ts";
import { ViewFeed } from "./ui-feed.ts";

/** Requests whose decisions are remembered. */
const DECISIONS_MAX = 1024;
const UI_LISTENERS_MAX = 32;
/** How long clients are kept out so that engines can be asked whether they live. */
const RESTORE_WAIT_MS_MAX = 1_000;
/** Builds a gateway that does not listen yet. Rejects with a sentence when a file of the config cannot be used. */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  return new Gateway(options, await openSurroundings(options));
}

/**
 * The whole gateway: owns every part with a lifetime. `close` lets running requests end, within the
 * configured time; `destroy` ends them with an error. Both may be called twice.
 */
export class Gateway {
  readonly #inForce: ConfigInForce;
  readonly #learner: Learner | null;
  readonly #door: Door;
  readonly #models: Models;
  readonly #surroundings: Surroundings;
  readonly #predictor: Predictor | null;
  readonly #eventLog: EventLog | null;
  readonly #driver: Driver;
  readonly #engines: Engines;
  readonly #relay: Relay;
  readonly #recorder: WorkflowRecorder;
  readonly #ring = new DecisionRing(DECISIONS_MAX);
  readonly #metrics: Metrics;
  readonly #feed: ViewFeed;
  readonly #drift: Drift;
  readonly #front: Front;
  readonly #keeper: StateKeeper | null;
  readonly #admin: AdminApi | null;
  #stopping: Promise<void> | null = null;
  /** Base of the admin API; null where there is none, and before `listen`. */
  adminUrl: string | null = null;

  /** Use `createGateway`. */
  constructor(options: GatewayOptions, surroundings: Surroundings) {
    const { config } = options;
    const { clock, logger, traces } = surroundings;
    this.#surroundings = surroundings;
    const { source = null, recordEventsPath = null } = options;
    const apply = this.#configure.bind(this);
    this.#inForce = new ConfigInForce({ config, logger, source, apply });
    const own = new ColdStart({ confidence: confidenceOf(config) });
    const given = options.estimator ?? own;
    this.#learner = options.learner ?? (given === own ? own : null);
    const { drift, estimator, predictor } = watched(given, options.predictor ?? null);
    this.#predictor = predictor;
    const scheduler = coreConfigOf(config);
    this.#eventLog = recordEventsPath === null ? null : new EventLog(recordEventsPath, scheduler);
    this.#metrics = new Metrics({
      view: () => this.view(),
      store: () => traces?.counts() ?? null,
      predictor: () => options.predictorCounts?.() ?? null,
      drift: () => drift.view(),
    });
    const { workflowsMax, workflowIdleMsMax } = config.limits;
    const sessions = new Sessions({ entriesMax: workflowsMax, idleMs: workflowIdleMsMax });
    this.#recorder = new WorkflowRecorder({ estimator, sessions, clock, traces });
    this.#driver = new Driver({
      scheduler,
      clock,
      predictor: this.#predictor,
      recorder: this.#recorder,
      observers: this.#observers(),
    });
    this.#keeper = this.#createKeeper(config, sessions);
    this.#engines = this.#createEngines(config);
    const limits = new KeyLimits(config.keys, clock);
    this.#door = { callers: new Callers(config), limits, metrics: this.#metrics };
    this.#models = new Models(config, Math.floor(Date.now() / 1000));
    this.#relay = new Relay({
      inForce: this.#inForce,
      clock,
      models: this.#models,
      sessions,
      estimator,
      driver: this.#driver,
      engines: this.#engines,
      ring: this.#ring,
      recorder: this.#recorder,
      ...this.#door,
      predicts: this.#predictor !== null,
      telemetry: options.telemetry ?? null,
      logger,
    });
    this.#drift = drift;
    this.#feed = new ViewFeed({
      clock,
      view: () => clusterView(this.#driver),
      listenersMax: UI_LISTENERS_MAX,
    });
    this.#admin = this.#createAdmin(config);
    const app = this.#appOptions();
    this.#front = new Front({ config, tls: surroundings.tls, relay: this.#relay, app });
  }

  view(): View {
    return this.#driver.view();
  }

  /** Rows of the trace store, or null without one. */
  storeCounts(): ReturnType<TraceStore["counts"]> | null {
    return this.#surroundings.traces?.counts() ?? null;
  }

  /** Starts to watch the engines and to serve. Rejects, closed, when the address cannot be had. */
  async listen(): Promise<GatewayAddress> {
    const restored = (await this.#keeper?.restore()) ?? 0;
    this.#engines.start();
    // A workflow that goes on should find its engine, which is not known to live before it was asked.
    if (restored > 0) await this.#engines.whenAlive(RESTORE_WAIT_MS_MAX);
    try {
      const address = await this.#front.listen();
      this.adminUrl = (await this.#admin?.listen()) ?? null;
      this.#keeper?.start();
      return address;
    } catch (error) {
      await this.destroy();
      throw error;
    }
  }

  /** Reads the config anew and puts in force what can be; requests that have come go on. */
  reload(): Promise<ReloadResult> {
    return this.#inForce.reload();
  }

  close(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  destroy(): Promise<void> {
    this.#relay.shutDown();
    return this.close();
  }

  #createAdmin({ admin: { api } }: Config): AdminApi | null {
    const options = { inForce: this.#inForce, engines: this.#engines, view: () => this.view() };
    return api === null ? null : new AdminApi(api, options);
  }

  #createKeeper({ store, limits }: Config, sessions: Sessions): StateKeeper | null {
    const { snapshotPath: path, snapshotIntervalMs: intervalMs } = store;
    if (path === null) return null;
    return new StateKeeper({
      path,
      intervalMs,
      workflowIdleMs: limits.workflowIdleMsMax,
      ...this.#surroundings,
      driver: this.#driver,
      sessions,
      recorder: this.#recorder,
      learner: this.#learner,
    });
  }

  #createEngines({ engines }: Config): Engines {
    return new Engines({
      engines,
      clock: this.#surroundings.clock,
      random: Math.random,
      changed: (event) => this.#driver.apply(event),
      lost: (name) => this.#relay.engineLost(name),
      running: (name) => this.#driver.runningAt(name),
    });
  }

  #configure(config: Config, before: Config): void {
    const { policy, prediction, limits, keys, log } = config;
    this.#door.callers.configure(config);
    this.#door.limits.configure(keys);
    this.#models.configure(config);
    this.#learner?.expect(confidenceOf(config));
    this.#driver.apply({
      type: "settings-changed",
      policy,
      predictionBudgetMs: prediction.budgetMs,
      attemptsMax: limits.attemptsMax,
      queueRequestsMax: limits.queueRequestsMax,
      queueTokensMax: limits.queueTokensMax,
    });
    this.#engines.configure(config.engines);
    this.#front.configure(config);
    if (log.level !== before.log.level) this.#surroundings.logger.level = log.level;
  }

  async #stop(): Promise<void> {
    const { clock, traces, telemetry } = this.#surroundings;
    this.#relay.drain();
    this.#front.close();
    const deadline = clock.setTimer(
      () => this.#relay.shutDown(),
      this.#inForce.config.limits.drainMsMax,
    );
    await this.#relay.whenEmpty();
    deadline.cancel();
    this.#feed.close();
    this.#front.destroy();
    await this.#engines.destroy();
    this.#admin?.destroy();
    await this.#keeper?.close();
    this.#driver.close();
    await this.#predictor?.close();
    await Promise.all([traces?.close(), this.#eventLog?.close(), telemetry?.close()]);
  }

  #observers(): StepObserver[] {
    const log = this.#eventLog;
    const { logger, telemetry } = this.#surroundings;
    const observers: StepObserver[] = [
      (event, commands, tookMs) => {
        this.#metrics.observeEvent(event);
        for (const command of commands) this.#metrics.observeCommand(command);
        for (const command of commands) telemetry?.observeCommand(command);
        this.#metrics.observeDecisionMs(tookMs);
      },
      stepLog(logger),
      () => this.#engines.settle(),
    ];
    if (log !== null) observers.push((event, commands) => log.write(event, commands));
    return observers;
  }

  #appOptions(): AppOptions {
    return {
      door: this.#door,
      models: this.#models,
      limits: () => this.#inForce.config.limits,
      view: () => this.view(),
      readiness: () => readinessOf(this.view(), this.#stopping !== null),
      metrics: async () => ({
        text: await this.#metrics.text(),
        contentType: this.#metrics.contentType,
      }),
      feedback: {
        findRequest: (requestId, scope) => this.#ring.find(requestId, scope),
        accept: (feedback) => this.#acceptFeedback(feedback),
      },
      ui: {
        feed: this.#feed,
        recent: (scope) => this.#ring.recent(scope),
        scoreOf: (workflowId) => this.#ring.scoreOf(workflowId),
        drift: () => this.#drift.view(),
        config: () => showConfig(this.#inForce.config),
        nowMs: () => this.#driver.nowMs,
      },
    };
  }

  #acceptFeedback({ workflowId, score, final }: Feedback): boolean {
    if (!this.#recorder.isOpen(workflowId)) return false;
    this.#ring.noteScore(workflowId, score);
    if (final) this.#driver.apply({ type: "workflow-ended", workflowId, score });
    else this.#recorder.noteScore(workflowId, score);
    return true;
  }
}
