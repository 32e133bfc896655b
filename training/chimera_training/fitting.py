"""Fine-tuning with binary cross-entropy over the labels that are known."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from .network import Router
from .recordings import Labelled
from .tokens import TokenWindow, padded


@dataclass(frozen=True)
class Recipe:
    """Epochs, learning rate and batch are the paper's; warm-up and decay are ours."""

    epochs: int = 5
    learning_rate: float = 1e-5
    batch: int = 16
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    seed: int = 1


# Batches are made of texts of like length, out of so many batches drawn together.
LENGTH_POOL = 16


def masked_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean binary cross-entropy; a label that is NaN has no part in it."""
    known = torch.isfinite(labels)
    losses = nn.functional.binary_cross_entropy_with_logits(
        logits, torch.where(known, labels, 0.0), reduction="none"
    )
    return (losses * known).sum() / known.sum().clamp(min=1)


def fit(
    network: Router,
    window: TokenWindow,
    data: Labelled,
    recipe: Recipe,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Trains in place. The head starts from the rates, so that nothing has to learn them."""
    device = next(network.parameters()).device
    rows = [window.read(text) for text in data.texts]
    labels = torch.tensor(data.labels, dtype=torch.float32)
    start_head(network.head, labels)
    random = np.random.default_rng(recipe.seed)
    batches = math.ceil(len(rows) / recipe.batch)
    steps = batches * recipe.epochs
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    warmup = max(1, round(recipe.warmup_share * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warmup, (steps - step) / max(1, steps - warmup))
    )
    network.train()
    for epoch in range(recipe.epochs):
        total = 0.0
        for batch in epoch_batches([len(row) for row in rows], recipe.batch, random):
            ids, mask = padded([rows[row] for row in batch], window.pad)
            logits = network(torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device))
            loss = masked_loss(logits, labels[batch].to(device))
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        say(f"epoch {epoch + 1} of {recipe.epochs}: loss {total / batches:.4f}")
    network.eval()


def start_head(head: nn.Linear, labels: torch.Tensor) -> None:
    known = torch.isfinite(labels)
    rates = (torch.where(known, labels, 0.0).sum(dim=0) + 1) / (known.sum(dim=0) + 2)
    with torch.no_grad():
        head.bias.copy_(torch.log(rates / (1 - rates)))


def epoch_batches(
    lengths: Sequence[int], size: int, random: np.random.Generator
) -> list[np.ndarray]:
    """Each row once, in batches of like length, in a drawn order."""
    order = random.permutation(len(lengths))
    batches: list[np.ndarray] = []
    for at in range(0, len(order), size * LENGTH_POOL):
        pool = sorted(order[at : at + size * LENGTH_POOL], key=lambda row: lengths[row])
        batches += [np.array(pool[start : start + size]) for start in range(0, len(pool), size)]
    return [batches[index] for index in random.permutation(len(batches))]


def predict_logits(
    network: Router, window: TokenWindow, texts: Sequence[str], batch: int = 32
) -> np.ndarray:
    device = next(network.parameters()).device
    network.eval()
    parts = []
    with torch.no_grad():
        for at in range(0, len(texts), batch):
            ids, mask = padded([window.read(text) for text in texts[at : at + batch]], window.pad)
            logits = network(torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device))
            parts.append(logits.float().cpu().numpy())
    return np.concatenate(parts)
