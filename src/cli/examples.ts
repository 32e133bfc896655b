const SAMPLE = "--runs samples/runs.jsonl.gz --tasks samples/tasks.jsonl.gz";
const MODELS = "--models Qwen2.5-1.5B-Instruct,Qwen2.5-7B-Instruct";

/** What help and docs/cli.md show of each command, behind the program's name. */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  up: ["up --demo"],
  init: ["init", "init --stdout --ports 8000,8001"],
  doctor: ["doctor --config chimera.yaml"],
  check: ["check chimera.yaml"],
  serve: ["serve --config chimera.yaml"],
  top: ["top", "top --json --looks 1"],
  explain: ["explain 5f0c6a1e-6f0e-4a57-9a0e-2f1f3a6c8b1d", "explain my-workflow --json"],
  "key new": ["key new --name team-a"],
  profile: ["profile http://127.0.0.1:8000/v1", "profile small --write"],
  demo: ["demo --url http://127.0.0.1:8080/v1 --rate 0.5"],
  emulate: ["emulate --model small --port 8001"],
  replay: [`replay ${SAMPLE} ${MODELS} --workflows 50`],
  simulate: [`simulate ${SAMPLE} ${MODELS} --policy balancer,auto`],
  evaluate: ["evaluate --quick"],
  train: [
    "train length --runs samples/runs.jsonl.gz --tasks samples/tasks.jsonl.gz --out length.bin",
  ],
  predict: ["predict length --runs cut.jsonl --model length.bin --out answers.jsonl"],
  eval: ["eval length --runs samples/runs.jsonl.gz --tasks samples/tasks.jsonl.gz"],
  import: ["import .chimera/traces.db --out runs.jsonl.gz"],
  generate: ["generate --out generated --problems 50"],
  completion: ["completion bash > ~/.local/share/bash-completion/completions/chimera"],
};
