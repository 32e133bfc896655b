import type { TargetedKeyboardEvent, VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { getModels } from "./api.ts";
import { streamChat } from "./chat-stream.ts";
import { usePolled } from "./use-polled.ts";

export interface PlaygroundProps {
  readonly apiKey: string;
  readonly open: (requestId: string) => void;
}

interface Answer {
  readonly state: "streaming" | "done" | "failed";
  readonly text: string;
  readonly problem: string | null;
  readonly headers: Headers | null;
}

const OUTPUT_TOKENS_MAX = 4096;
const DEFAULT_OUTPUT_TOKENS = 200;
const MODELS_POLL_MS = 60_000;

/** Headers of the decision, in the order in which they are shown. */
const DECISION_HEADERS: readonly (readonly [header: string, name: string, unit: string])[] = [
  ["x-chimera-model", "model", ""],
  ["x-chimera-engine", "engine", ""],
  ["x-chimera-rule", "rule", ""],
  ["x-chimera-confidence", "confidence", ""],
  ["x-chimera-predicted-tokens", "predicted", " tokens"],
  ["x-chimera-queue-wait-ms", "waited", " ms"],
];

/** Asks one question and shows the answer as it comes, with the decision behind it. */
export function Playground({ apiKey, open }: PlaygroundProps): VNode {
  const [prompt, setPrompt] = useState("Plan a small program that sorts a list of songs.");
  const [model, setModel] = useState("chimera");
  const [tokens, setTokens] = useState(String(DEFAULT_OUTPUT_TOKENS));
  const { answer, ask, stop } = useAnswer();
  const models = usePolled((signal) => getModels(apiKey, signal), MODELS_POLL_MS, [apiKey]);
  const isStreaming = answer?.state === "streaming";
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!isStreaming) ask({ prompt, model, outputTokensMax: Number(tokens), key: apiKey });
  };
  return (
    <section class="card playground" aria-labelledby="playground-title">
      <h2 id="playground-title">Playground</h2>
      <form onSubmit={submit} onKeyDown={submitByKey}>
        <textarea
          aria-label="Prompt"
          rows={3}
          required
          value={prompt}
          onInput={(event) => setPrompt(event.currentTarget.value)}
        />
        <div class="row">
          <label>
            Model
            <select value={model} onChange={(event) => setModel(event.currentTarget.value)}>
              {(models ?? ["chimera"]).map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
          <label>
            Tokens at most
            <input
              type="number"
              required
              min={1}
              max={OUTPUT_TOKENS_MAX}
              value={tokens}
              onInput={(event) => setTokens(event.currentTarget.value)}
            />
          </label>
          {isStreaming ? (
            <button type="button" onClick={stop}>
              Stop
            </button>
          ) : (
            <button type="submit" class="primary" title="Ctrl + Enter">
              Send
            </button>
          )}
        </div>
      </form>
      {answer !== null && <AnswerView answer={answer} open={open} />}
    </section>
  );
}

/** Ctrl + Enter sends from wherever one types; the browser checks the fields first. */
function submitByKey(event: TargetedKeyboardEvent<HTMLFormElement>): void {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.currentTarget.requestSubmit();
  }
}

interface AnswerViewProps {
  readonly answer: Answer;
  readonly open: (requestId: string) => void;
}

function AnswerView({ answer, open }: AnswerViewProps): VNode {
  const { headers, state, text, problem } = answer;
  const requestId = headers?.get("x-request-id") ?? null;
  const shown = DECISION_HEADERS.filter(([header]) => headers?.has(header) === true);
  return (
    <>
      {headers !== null && shown.length === 0 && problem === null && (
        <p class="empty">It waited so long that the headers left before the decision was made.</p>
      )}
      <dl class="headers">
        {shown.map(([header, name, unit]) => (
          <div key={header} title={header}>
            <dt>{name}</dt>
            <dd>
              {headers?.get(header)}
              {unit}
            </dd>
          </div>
        ))}
      </dl>
      <div class="answer" data-state={state} role="log" aria-live="off" tabIndex={0}>
        {text}
      </div>
      {problem !== null && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {requestId !== null && (
        <button type="button" onClick={() => open(requestId)}>
          Why this one?
        </button>
      )}
    </>
  );
}

type Question = Parameters<typeof streamChat>[0];

function useAnswer(): {
  readonly answer: Answer | null;
  readonly ask: (question: Question) => void;
  readonly stop: () => void;
} {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const controller = useRef<AbortController | null>(null);
  const stop = (): void => controller.current?.abort();
  useEffect(() => stop, []);
  const ask = (question: Question): void => {
    const { signal } = (controller.current = new AbortController());
    const change = (parts: (before: Answer) => Partial<Answer>): void =>
      setAnswer((before) => (before === null ? null : { ...before, ...parts(before) }));
    setAnswer({ state: "streaming", text: "", problem: null, headers: null });
    const listener = {
      started: (headers: Headers): void => change(() => ({ headers })),
      text: (piece: string): void => change(({ text }) => ({ text: text + piece })),
    };
    streamChat(question, listener, signal).then(
      () => change(() => ({ state: "done" })),
      (error: unknown) => {
        const problem = signal.aborted ? null : error instanceof Error ? error.message : "Failed.";
        change(() => ({ state: signal.aborted ? "done" : "failed", problem }));
      },
    );
  };
  return { answer, ask, stop };
}
