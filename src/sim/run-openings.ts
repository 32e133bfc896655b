import type { Run, Task, Template } from "./run-file.ts";

/** First messages of recorded runs: the task's prompt inside the run's template. */
export class RunOpenings {
  readonly #tasks: ReadonlyMap<string, string>;
  readonly #templates: ReadonlyMap<string, string>;

  constructor(tasks: readonly Task[], templates: readonly Template[]) {
    this.#tasks = new Map(tasks.map((each) => [each.task_id, each.prompt]));
    this.#templates = new Map(templates.map((each) => [each.template, each.text]));
  }

  /** Text of the first message; empty where neither task nor template is known. */
  of(run: Run): string {
    const task = this.#tasks.get(run.task_id) ?? "";
    const template = run.template === null ? undefined : this.#templates.get(run.template);
    return template === undefined ? task : template.replace("{TASK}", () => task);
  }
}
