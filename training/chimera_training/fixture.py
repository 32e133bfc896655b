"""A tiny folder with random weights, kept in the repository for the tests of the gateway."""

from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel

from .exporting import export_onnx
from .fitting import predict_logits
from .folder import finish
from .network import TINY_SHAPE, Router, small_config
from .recordings import Labelled
from .tokens import train_tokenizer, window_of

TOKENS_MAX = 24
MODELS = ["large", "medium", "small"]
TEXTS = [
    "Add two numbers.",
    "Write a function that returns the sum of a list.",
    "Prove that the square root of two is not a fraction of whole numbers.",
    "Grüße, 世界! 😀 ½",
    "A text that is longer than the window of this encoder, so that its beginning is left off: "
    "one two three four five six seven eight nine ten eleven twelve.",
    "x",
]


def write_fixture(folder: Path) -> None:
    """The same bytes for the same versions of the packages."""
    folder.mkdir(parents=True, exist_ok=True)
    window = window_of(train_tokenizer(TEXTS, TINY_SHAPE["vocabulary"]), TOKENS_MAX, "left", 0)
    torch.manual_seed(1)
    config = small_config(TINY_SHAPE, TOKENS_MAX)
    encoder = AutoModel.from_config(config, attn_implementation="eager")
    network = Router(encoder.float(), TINY_SHAPE["hidden"], len(MODELS), "mean")
    # Random weights of the usual size give logits that hardly differ.
    with torch.no_grad():
        network.head.weight.mul_(8)
    network.eval()
    export_onnx(network, folder / "model.onnx")
    labels = np.tile([1.0, 0.5, 0.0], (len(TEXTS), 1))
    data = Labelled(TEXTS, TEXTS, MODELS, labels, len(TEXTS) * len(MODELS))
    maps = [
        {"slope": 1.0, "intercept": 0.5},
        {"slope": 0.8, "intercept": 0.0},
        {"slope": 1.0, "intercept": -0.5},
    ]
    facts = {"encoder": "tiny", "pooling": "mean", "rows": len(TEXTS), "seed": 1, "date": "2026-11-24"}
    expected = predict_logits(network, window, TEXTS, batch=1)
    finish(folder, window, data, maps, facts, (TEXTS, expected))
