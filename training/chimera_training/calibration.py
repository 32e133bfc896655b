"""Maps from logits to confidences, learned on held-out rows, and what they score."""

import numpy as np

# A label's own offset leans on the shared map as if it had seen so many rows.
LEANING_ROWS = 50.0
STEPS_MAX = 50
BINS = 10


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -500, 500)))


def fit_platt(scores: np.ndarray, labels: np.ndarray, ridge: float = 1e-3) -> tuple[float, float]:
    """Slope and intercept of a logistic map (Platt 1999), by Newton's method.

    A ridge draws them to (1, 0). NaN labels are left out; labels may be shares.
    """
    known = np.isfinite(labels)
    inputs = np.stack([scores[known], np.ones(known.sum())], axis=1)
    target = labels[known]
    start = np.array([1.0, 0.0])
    weights = start.copy()
    for _ in range(STEPS_MAX):
        chance = sigmoid(inputs @ weights)
        gradient = inputs.T @ (chance - target) + ridge * (weights - start)
        curve = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + ridge * np.eye(2)
        step = np.linalg.solve(curve, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-10:
            break
    return float(weights[0]), float(weights[1])


def fit_calibration(logits: np.ndarray, labels: np.ndarray) -> list[dict[str, float]]:
    """One map for each label: a slope shared by all, and an intercept of its own that leans on theirs."""
    slope, shared = fit_platt(logits.ravel(), labels.ravel())
    maps = []
    for column in range(labels.shape[1]):
        known = np.isfinite(labels[:, column])
        base = slope * logits[known, column] + shared
        target = labels[known, column]
        offset = 0.0
        for _ in range(STEPS_MAX):
            chance = sigmoid(base + offset)
            variance = float(chance @ (1 - chance))
            # A row at even odds weighs a quarter.
            lean = LEANING_ROWS / 4
            step = (float((chance - target).sum()) + lean * offset) / (variance + lean)
            offset -= step
            if abs(step) < 1e-10:
                break
        maps.append({"slope": slope, "intercept": shared + offset})
    return maps


def calibrated(logits: np.ndarray, maps: list[dict[str, float]]) -> np.ndarray:
    slopes = np.array([each["slope"] for each in maps])
    intercepts = np.array([each["intercept"] for each in maps])
    return sigmoid(logits * slopes + intercepts)


def average_precision(truths: np.ndarray, scores: np.ndarray) -> float | None:
    """Area under precision and recall, without interpolation; None without a hit. Ties share a place."""
    hits = int(truths.sum())
    if hits == 0:
        return None
    order = np.argsort(-scores, kind="stable")
    ranked, sorted_scores = truths[order], scores[order]
    ends = np.append(np.flatnonzero(np.diff(sorted_scores)), len(ranked) - 1)
    found = np.cumsum(ranked)[ends]
    precision = found / (ends + 1)
    recall_steps = np.diff(np.concatenate([[0], found])) / hits
    return float(precision @ recall_steps)


def scores_of(confidences: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Macro mean average precision, expected calibration error in equal bins, Brier."""
    known = np.isfinite(labels)
    precisions = []
    for column in range(labels.shape[1]):
        of = known[:, column]
        value = average_precision(
            (labels[of, column] >= 0.5).astype(float), confidences[of, column]
        )
        if value is not None:
            precisions.append(value)
    truth, chance = labels[known], confidences[known]
    bins = np.minimum((chance * BINS).astype(int), BINS - 1)
    error = sum(
        abs(float((truth[bins == each] - chance[bins == each]).sum())) for each in range(BINS)
    )
    return {
        "meanAveragePrecision": float(np.mean(precisions)) if precisions else 0.0,
        "calibrationError": error / max(1, len(truth)),
        "brier": float(((truth - chance) ** 2).mean()) if len(truth) else 0.0,
    }
