"""`python -m chimera_training train | score | quantise | fixture`."""

import argparse
import datetime
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from .calibration import calibrated, fit_calibration, scores_of
from .exporting import export_onnx
from .fitting import Recipe, fit, predict_logits
from .fixture import write_fixture
from .folder import finish, quantise_folder, score_folder
from .network import EncoderSource, Router
from .recordings import Labelled, read_labelled, split_problems

MODERN_BERT_LARGE = "answerdotai/ModernBERT-large"
CHECK_TEXTS = 24
# Beside texts of the runs: characters of several bytes, and more than the window holds.
EDGE_TEXTS = ["Grüße, 世界! 😀 ½", "x", "Prove that 2 + 2 = 4.\n" * 400]

Say = Callable[[str], None]


def main() -> None:
    options = parse()
    if options.what == "fixture":
        write_fixture(Path(options.out))
        return
    if options.what == "quantise":
        loss = quantise_folder(Path(options.folder), Path(options.out))
        print(f"int8 is lossy: {loss}")
        return
    if options.what == "score":
        for runs in options.runs:
            data = read_labelled([runs], options.tasks, options.templates, options.parts)
            print(f"{Path(runs).name}: {score_folder(Path(options.folder), data)}", flush=True)
        return
    train(options, lambda line: print(line, flush=True))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chimera_training")
    commands = parser.add_subparsers(dest="what", required=True)
    train_ = commands.add_parser("train", help="fine-tune, calibrate, export and check an encoder")
    train_.add_argument("--runs", nargs="+", required=True)
    train_.add_argument("--tasks", nargs="+", required=True)
    train_.add_argument("--templates")
    train_.add_argument("--parts", nargs="+", default=["train"])
    train_.add_argument("--out", required=True, help="folder to write")
    train_.add_argument(
        "--encoder",
        default=MODERN_BERT_LARGE,
        help="folder or name of an encoder; `small`: a ModernBERT of 2 M parameters from nothing",
    )
    train_.add_argument("--pooling", choices=["mean", "cls"], default="mean")
    train_.add_argument("--tokens-max", type=int, default=512)
    train_.add_argument("--truncate", choices=["left", "right"], default="left")
    train_.add_argument("--epochs", type=int, default=Recipe.epochs)
    train_.add_argument("--learning-rate", type=float, default=Recipe.learning_rate)
    train_.add_argument("--batch", type=int, default=Recipe.batch)
    train_.add_argument("--folds", type=int, default=3, help="of the calibration; at least 2")
    train_.add_argument("--rows-max", type=int, help="texts to learn from, drawn")
    train_.add_argument("--seed", type=int, default=Recipe.seed)
    train_.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    train_.add_argument("--date", default=datetime.date.today().isoformat())
    score_ = commands.add_parser("score", help="what a folder scores on each file of runs")
    score_.add_argument("--folder", required=True)
    score_.add_argument("--runs", nargs="+", required=True)
    score_.add_argument("--tasks", nargs="+", required=True)
    score_.add_argument("--templates")
    score_.add_argument("--parts", nargs="+", default=["valid"])
    quantise_ = commands.add_parser("quantise", help="a folder's model with int8 weights (lossy)")
    quantise_.add_argument("--folder", required=True)
    quantise_.add_argument("--out", required=True)
    fixture_ = commands.add_parser("fixture", help="a tiny folder with random weights, for tests")
    fixture_.add_argument("--out", required=True)
    return parser.parse_args()


def train(options: argparse.Namespace, say: Say) -> None:
    data = read_labelled(options.runs, options.tasks, options.templates, options.parts)
    if options.rows_max is not None and options.rows_max < len(data.texts):
        drawn = np.random.default_rng(options.seed).permutation(len(data.texts))
        data = data.pick(sorted(drawn[: options.rows_max].tolist()))
    say(f"{data.runs} runs, {len(data.texts)} texts, {len(data.models)} models")
    source = EncoderSource(options.encoder, data.texts, options.tokens_max, options.truncate)
    recipe = Recipe(options.epochs, options.learning_rate, options.batch, seed=options.seed)
    started = time.monotonic()

    def fitted(rows: Labelled) -> Router:
        network = source.network(len(data.models), options.pooling, options.seed)
        fit(network.to(options.device), source.window, rows, recipe, say)
        return network

    logits = held_out_logits(data, options.folds, options.seed, lambda rows: fitted(rows), source, say)
    maps = fit_calibration(logits, data.labels)
    held_out = scores_of(calibrated(logits, maps), data.labels)
    say(f"held out: {held_out}")
    network = fitted(data).cpu()
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    export_onnx(network, folder / "model.onnx")
    step = max(1, len(data.texts) // CHECK_TEXTS)
    texts = [*data.texts[::step][:CHECK_TEXTS], *EDGE_TEXTS]
    facts = {
        "encoder": source.name,
        "parameters": sum(each.numel() for each in network.parameters()),
        "pooling": options.pooling,
        "runs": data.runs,
        "rows": len(data.texts),
        "problems": len(set(data.problems)),
        "epochs": recipe.epochs,
        "learningRate": recipe.learning_rate,
        "batch": recipe.batch,
        "seed": recipe.seed,
        "date": options.date,
        "folds": options.folds,
        "seconds": round(time.monotonic() - started, 1),
        "heldOut": held_out,
    }
    expected = predict_logits(network, source.window, texts)
    found = finish(folder, source.window, data, maps, facts, (texts, expected))
    say(f"{folder}: {facts['parameters']} parameters, differs from torch by {found:.1e}")


def held_out_logits(
    data: Labelled,
    folds: int,
    seed: int,
    fitted: Callable[[Labelled], Router],
    source: EncoderSource,
    say: Say,
) -> np.ndarray:
    """Logits of each text by a network that did not learn from its problem."""
    logits = np.zeros(data.labels.shape)
    for fold, outside in enumerate(split_problems(data.problems, folds, seed)):
        say(f"fold {fold + 1} of {folds}")
        hidden = set(outside)
        network = fitted(data.pick([row for row in range(len(data.texts)) if row not in hidden]))
        logits[outside] = predict_logits(network, source.window, [data.texts[row] for row in outside])
    return logits


if __name__ == "__main__":
    main()
