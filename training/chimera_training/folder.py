"""The folder that the gateway loads: model.onnx, tokenizer.json, chimera.json, checks.json."""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

from .calibration import calibrated, scores_of
from .exporting import DIFFERENCE_MAX, OPSET, cosine, difference, onnx_logits, order_kept, quantise
from .recordings import Labelled
from .tokens import TokenWindow, load_tokenizer

KIND = "chimera-encoder"
SCHEMA = 1
PACKAGES = ("torch", "transformers", "tokenizers", "onnx", "onnxruntime")


def checksum(file: Path) -> str:
    with file.open("rb") as bytes_:
        return hashlib.file_digest(bytes_, "sha256").hexdigest()


def write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def write_checks(
    folder: Path, window: TokenWindow, texts: list[str], logits: np.ndarray, tolerance: float | None
) -> None:
    """Texts with the tokens and logits that they must have; tolerance None: only the order counts."""
    write_json(
        folder / "checks.json",
        {
            "tolerance": tolerance,
            "cases": [
                {"text": text, "tokens": window.read(text), "logits": [float(value) for value in row]}
                for text, row in zip(texts, logits, strict=True)
            ],
        },
    )


def manifest(
    folder: Path,
    window: TokenWindow,
    data: Labelled,
    maps: list[dict[str, float]],
    facts: dict[str, object],
) -> dict[str, object]:
    rates = np.nanmean(data.labels, axis=0)
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "model": {
            "file": "model.onnx",
            "sha256": checksum(folder / "model.onnx"),
            "precision": "float32",
            "opset": OPSET,
        },
        "tokenizer": {"file": "tokenizer.json", "sha256": checksum(folder / "tokenizer.json")},
        "input": {
            "tokensMax": window.tokens_max,
            "charactersMax": window.characters_max,
            "truncate": window.truncate,
            "prefix": list(window.prefix),
            "suffix": list(window.suffix),
            "pad": window.pad,
        },
        "labels": [
            {"model": model, "outcomes": int(count), "rate": float(rate), "calibration": each}
            for model, count, rate, each in zip(
                data.models, data.outcomes(), rates, maps, strict=True
            )
        ],
        "training": facts,
        "versions": {name: version(name) for name in PACKAGES},
    }


def finish(
    folder: Path,
    window: TokenWindow,
    data: Labelled,
    maps: list[dict[str, float]],
    facts: dict[str, object],
    check: tuple[list[str], np.ndarray],
) -> float:
    """Writes what belongs beside model.onnx.

    :raises ValueError: where the exported file differs from torch; nothing can load the folder then.
    """
    texts, expected = check
    found = difference(onnx_logits(folder / "model.onnx", window, texts), expected)
    if not found < DIFFERENCE_MAX:
        raise ValueError(f"the exported model differs from torch by {found:.2e}")
    window.tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    write_checks(folder, window, texts, expected, DIFFERENCE_MAX)
    write_json(
        folder / "chimera.json",
        manifest(folder, window, data, maps, {**facts, "exportDifference": found}),
    )
    return found


def window_in(folder: Path, reads: dict) -> TokenWindow:
    """The window that a manifest states."""
    return TokenWindow(
        load_tokenizer(str(folder)),
        reads["tokensMax"],
        reads["truncate"],
        tuple(reads["prefix"]),
        tuple(reads["suffix"]),
        reads["pad"],
    )


def score_folder(folder: Path, data: Labelled) -> dict[str, float]:
    """Scores of the exported model on other texts; models that it does not know are left out."""
    about = json.loads((folder / "chimera.json").read_text(encoding="utf-8"))
    logits = onnx_logits(folder / "model.onnx", window_in(folder, about["input"]), data.texts)
    places = {label["model"]: place for place, label in enumerate(about["labels"])}
    known = [column for column, model in enumerate(data.models) if model in places]
    chosen = [places[data.models[column]] for column in known]
    maps = [about["labels"][place]["calibration"] for place in chosen]
    return scores_of(calibrated(logits[:, chosen], maps), data.labels[:, known])


def quantise_folder(source: Path, target: Path) -> dict[str, float]:
    """A folder with int8 weights, and how far its logits are from those of torch."""
    target.mkdir(parents=True, exist_ok=True)
    quantise(source / "model.onnx", target / "model.onnx")
    (target / "tokenizer.json").write_bytes((source / "tokenizer.json").read_bytes())
    about = json.loads((source / "chimera.json").read_text(encoding="utf-8"))
    checks = json.loads((source / "checks.json").read_text(encoding="utf-8"))
    window = window_in(target, about["input"])
    texts = [case["text"] for case in checks["cases"]]
    expected = np.array([case["logits"] for case in checks["cases"]])
    # One text at a time: the scale of a batch depends on its other rows.
    logits = onnx_logits(target / "model.onnx", window, texts, batch=1)
    loss = {
        "differenceMax": difference(logits, expected),
        "cosine": cosine(logits, expected),
        "orderKept": order_kept(logits, expected),
    }
    write_checks(target, window, texts, expected, None)
    about["model"] = {
        **about["model"],
        "sha256": checksum(target / "model.onnx"),
        "precision": "int8",
        "loss": loss,
    }
    write_json(target / "chimera.json", about)
    return loss
