"""Recorded runs as texts with one label for each model."""

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

TEXT_CHARACTERS_MAX = 16_384
# What String.prototype.trim takes away, so that both programs read the same text.
SPACES = "\t\n\v\f\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)


@dataclass(frozen=True)
class Labelled:
    """`labels[row, model]` is the share of solved runs, 0..1, or NaN where there is no outcome."""

    texts: list[str]
    # The problem of each text: what is never split between learning and testing.
    problems: list[str]
    models: list[str]
    labels: np.ndarray
    # Runs that the labels were made of.
    runs: int

    def outcomes(self) -> np.ndarray:
        """Labels that are known, per model."""
        return np.isfinite(self.labels).sum(axis=0)

    def pick(self, rows: Sequence[int]) -> "Labelled":
        return Labelled(
            [self.texts[row] for row in rows],
            [self.problems[row] for row in rows],
            self.models,
            self.labels[list(rows)],
            self.runs,
        )


def read_lines(files: Sequence[str]) -> Iterator[dict]:
    """JSON lines, plain or compressed with gzip."""
    for file in files:
        opener = gzip.open if str(file).endswith(".gz") else open
        with opener(file, "rt", encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines if line.strip())


def units_cut(text: str, units: int, side: str) -> str:
    """At most `units` UTF-16 units of a text, taken away at `side`; half a character is dropped."""
    encoded = text.encode("utf-16-le", "surrogatepass")
    kept = encoded[-2 * units :] if side == "left" else encoded[: 2 * units]
    return kept.decode("utf-16-le", "ignore")


def prompt_text(user: str) -> str:
    """The text of a first message as the gateway reads it."""
    return units_cut(user, TEXT_CHARACTERS_MAX, "right").strip(SPACES)


def read_labelled(
    runs: Sequence[str],
    tasks: Sequence[str],
    templates: str | None,
    parts: Sequence[str] | None,
) -> Labelled:
    """One row for each distinct first message; `parts` None looks at all of them.

    Only the first stage's model and the reward of a run are looked at. Models are ordered by falling
    number of runs, then by name.
    """
    prompts = {task["task_id"]: task["prompt"] for task in read_lines(tasks)}
    frames = {each["template"]: each["text"] for each in read_lines([templates] if templates else [])}
    outcomes: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    problems: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for run in read_lines(runs):
        if parts is not None and run.get("part", "valid") not in parts:
            continue
        task = prompts.get(run["task_id"], "")
        frame = frames.get(run.get("template") or "")
        text = prompt_text(task if frame is None else frame.replace("{TASK}", task, 1))
        if text == "":
            continue
        model = run["stages"][0]["model"]
        outcomes[text][model].append(float(run["reward"]))
        problems.setdefault(text, run.get("task_key") or run["task_id"])
        counts[model] += 1
    models = sorted(counts, key=lambda name: (-counts[name], name))
    labels = np.full((len(outcomes), len(models)), np.nan)
    places = {model: place for place, model in enumerate(models)}
    for row, of in enumerate(outcomes.values()):
        for model, rewards in of.items():
            labels[row, places[model]] = sum(rewards) / len(rewards)
    texts = list(outcomes)
    return Labelled(texts, [problems[text] for text in texts], models, labels, counts.total())


def split_problems(problems: Sequence[str], folds: int, seed: int) -> list[list[int]]:
    """Rows of each fold; the rows of one problem stay together."""
    names = sorted(set(problems))
    order = np.random.default_rng(seed).permutation(len(names))
    fold_of = {names[index]: place % folds for place, index in enumerate(order)}
    return [[row for row, name in enumerate(problems) if fold_of[name] == fold] for fold in range(folds)]
