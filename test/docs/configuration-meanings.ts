/** What each key is for, by its path. The page of the configuration adds what the schema knows: values and defaults. */
export const MEANINGS: Readonly<Record<string, string>> = {
  "listen.host": "the address to listen on",
  "listen.port": "the port; 0 takes any free one",
  "listen.open":
    "accept that others than this machine reach the address although there are no keys",
  "listen.tls.cert": "PEM file of the certificate chain; from the working directory",
  "listen.tls.key": "PEM file of the private key",
  "keys[].name": "what logs, metrics and traces call the key; unique",
  "keys[].hash": "what `chimera key new` prints for the config; the key itself is kept nowhere",
  "keys[].models": "models and virtual models that it may ask for; null: all",
  "keys[].classMax": "the highest class that its requests may have; what asks for more is lowered",
  "keys[].requestsPerMinute": "requests a minute; null: no limit",
  "keys[].tokensPerMinute": "tokens a minute, prompts and answers together; null: no limit",
  "keys[].concurrency": "unfinished requests at once; null: no limit",
  "keys[].weight": "its share of a full engine against those of the other keys that wait there",
  "admin.api.listen": "where the admin API listens, on this machine alone (docs/operations.md)",
  "admin.api.hash": "hash of its token (`chimera key new --admin`)",
  "admin.hash":
    "hash of the operators' token (`chimera key new --admin`), with which other machines see metrics, state and events; null: only this machine does",
  "engines[].name":
    "what decisions, logs and metrics call it; unique. Left out: the model, then model-2, model-3 and so on for replicas",
  "engines[].url": "base of its API; without a path, `/v1` is added",
  "engines[].model": "the name that clients and the scheduler use; replicas have the same",
  "engines[].upstreamModel": "the name that the engine is sent. Left out: the model",
  "engines[].kind":
    "what serves it: decides which fields it is sent and whether a queued request can be taken back",
  "engines[].confidence":
    "share of tasks that the model is expected to solve, until outcomes are reported; one value for all replicas. Left out: 0.5",
  "engines[].maxConcurrency":
    "sequences that it runs at once (vLLM's `--max-num-seqs`); more wait in the gateway, in order",
  "engines[].kvTokens": "tokens of its KV memory; the default sets no bound",
  "engines[].apiKey": "sent to it as a bearer token; secret",
  "engines[].headers": "sent to it with every request; the values are secret",
  "engines[].priority": "pass a request's priority on, in that engine's polarity",
  "engines[].responses":
    "it has `/v1/responses`; elsewhere such requests are translated. Left out: true for vllm, sglang, llama.cpp and ollama",
  "engines[].allowLinkLocal": "it may be at a link-local or metadata address",
  "engines[].speed.baseMs":
    "milliseconds of an iteration with nothing in it. Without `speed` a guess is used; `chimera profile` measures it",
  "engines[].speed.perSequenceMs": "and for each sequence that decodes in it",
  "engines[].speed.perKvTokenMs": "and for each token of KV memory in use",
  "engines[].speed.perPromptTokenMs": "and for each prompt token that it computes",
  "engines[].timeouts.connectMs": "until the connection stands",
  "engines[].timeouts.headersMs":
    "until the status line, which several engines send with the first token",
  "engines[].timeouts.idleMs": "between two pieces of a stream",
  "engines[].timeouts.totalMs": "for a whole answer",
  "models[].name": "a name that clients may ask for and that stands for several models",
  "models[].candidates": "models of the engines, in the order that breaks ties. Left out: all",
  "models[].price": "its own `policy.price`",
  "models[].slack": "its own `policy.slack`",
  "models[].minGain": "its own `policy.minGain`",
  "policy.file":
    "a policy of your own, relative to the config's folder; beside it only price, slack and minGain; `--policy` takes one too (docs/tuning.md)",
  "policy.choice":
    "how the engine of a request is chosen; `paper` is Algorithm 1 of arXiv 2603.22206",
  "policy.order":
    "how the queue of an engine is ordered. Left out: smith-age, with the choice paper stjf",
  "policy.assign": "a workflow keeps its engine, or each stage is placed anew",
  "policy.price":
    "what one unloaded completion time costs in units of score: 0.1 quality, 0.2 balanced, 0.4 speed",
  "policy.target.msPerToken":
    "the price moves from `policy.price` on until workflows take so long for an output token in the mean; this or `score`",
  "policy.target.score":
    "the price moves until the scores that `/v1/feedback` reports have this mean",
  "policy.slack":
    "accepted share of extra latency over the quickest candidate; null: no cap. Left out: null, with the choice paper 1",
  "policy.minGain": "confidence that a slower model must add (choice paper)",
  "policy.ownWork": "count a request's own predicted time in its load (choice paper)",
  "policy.countsRunning":
    "the wait that is priced counts all that the running workflows have left; false: one stage of theirs (choice auto)",
  "policy.countsDelay": "the price counts what a request delays others by (choice auto)",
  "policy.liveBatch":
    "own time by the step time at the live batch; false: by the profiled time per token (choice auto)",
  "policy.orderBy":
    "the predicted rest that the order goes by: that of the choice (auto: mean, paper: median), the median, or the 90 % quantile where the predictor knows it",
  "policy.starvationThreshold":
    "dispatch rounds that a request is passed over before it is promoted; 0: never. Left out: 0, with the choice paper 200",
  "policy.starvationQuantum":
    "dispatch rounds that a promoted request is served before it is demoted. Left out: 10",
  "policy.ageScale": "the dial of smith-age: 5 is fairer, 20 faster",
  "policy.lateChoiceRequestsMax":
    "queued requests of each other engine that an idle engine looks at; 0: none",
  "policy.stickinessBonus":
    "choose again at each stage, with this bonus of score for the engine that served the workflow last; null: it stays",
  "prediction.budgetMs":
    "how long a request waits for its prediction; then it goes on with what the estimator said at once",
  "prediction.lengthModel":
    "what `chimera train length` wrote; from the config's folder. Watched: a new file at the path is taken in while serving",
  "prediction.routerModel": "what `chimera train router` wrote, or an encoder's folder",
  "prediction.threads": "threads that predict",
  "prediction.batchSizeMax": "requests of one batch",
  "prediction.batchWaitMsMax": "how long a request waits for others while a thread is idle",
  "prediction.requestsPendingMax":
    "requests that wait for a prediction; those beyond go on without one",
  "prediction.batchMsMax": "a thread that takes longer for a batch is replaced",
  "prediction.startMsMax": "how long a thread may take to load its models",
  "prediction.restartsMax":
    "threads that are replaced within `restartWindowMs`; beyond, nothing learned is used",
  "prediction.restartWindowMs": "see `restartsMax`",
  "limits.bodyBytesMax": "bytes of a request's body",
  "limits.headerBytesMax": "bytes of a request's headers",
  "limits.headersMsMax": "from a connection's first byte to the end of a request's headers",
  "limits.bodyMsMax": "from a connection's first byte to the end of a request's body",
  "limits.connectionsMax": "clients' connections at once; more are closed",
  "limits.nestingMax": "levels of objects and lists in a body",
  "limits.messagesMax": "messages of a request",
  "limits.eventBytesMax": "bytes of one event of an engine's stream",
  "limits.queueRequestsMax":
    "requests that wait for an engine; beyond, the last of the lowest class is shed",
  "limits.queueRequestsPerKeyMax": "of them, those of one API key",
  "limits.queueTokensMax": "predicted tokens that wait in all queues",
  "limits.queueWaitMsMax": "how long a request may wait; keep it below the timeout of your clients",
  "limits.workflowsMax": "workflows that are remembered",
  "limits.workflowIdleMsMax": "a workflow without a request for so long is over",
  "limits.attemptsMax": "times that a request is sent to an engine, the first included",
  "limits.pingAfterMs": "silence on a client's stream after which it is sent a comment",
  "limits.statusHoldMs":
    "how long the status line of a queued stream is held back, so that an early error keeps its status",
  "limits.drainMsMax": "how long running requests may go on after the order to stop",
  "limits.textCharactersMax": "characters of a request's text that predictors are given",
  "store.path": "the trace store, SQLite; from the working directory; null: none",
  "store.prompts": "keep the text of prompts",
  "store.rowsPendingMax": "rows that wait for the disk; what comes beyond is dropped and counted",
  "store.rowsMax": "rows of each table; the oldest are deleted",
  "store.snapshotPath":
    "what outlives the process: workflows with their engines, and what was learned",
  "store.snapshotIntervalMs": "time between two snapshots; one more is written at the end",
  "log.level": "the least grave lines that are written",
  seed: "start of every random choice",
};
