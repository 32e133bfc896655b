"""Reference values of scores: scikit-learn where it has them, else the definition, written out slowly."""

import numpy as np
from sklearn import metrics


def kendall_distance(truth, prediction):
    wrong = comparable = 0.0
    for i in range(len(truth)):
        for j in range(i):
            if truth[i] == truth[j]:
                continue
            comparable += 1
            sign = (truth[i] - truth[j]) * (prediction[i] - prediction[j])
            wrong += 1.0 if sign < 0 else 0.5 if sign == 0 else 0.0
    return wrong / comparable


def calibration_error(labels, probabilities, bins):
    edges = np.linspace(0, 1, bins + 1)
    bin_of = np.clip(np.searchsorted(edges, probabilities, side="right") - 1, 0, bins - 1)
    return sum(
        (bin_of == b).mean() * abs(labels[bin_of == b].mean() - probabilities[bin_of == b].mean())
        for b in range(bins)
        if (bin_of == b).any()
    )


def make():
    chance = np.random.default_rng(11)
    truth = chance.integers(0, 40, 120).astype(float)
    prediction = np.round(truth + chance.normal(0, 12, 120), 0)
    lower, upper = prediction - 9, prediction + 7
    labels = chance.integers(0, 2, (3, 90))
    scores = np.round(np.clip(0.3 * labels + chance.random((3, 90)) * 0.7, 0, 1), 2)
    return {
        "truth": truth.tolist(),
        "prediction": prediction.tolist(),
        "kendallDistance": kendall_distance(truth, prediction),
        "pinballLoss": {
            str(level): metrics.mean_pinball_loss(truth, prediction, alpha=level)
            for level in (0.1, 0.5, 0.9)
        },
        "intervalCoverage": float(((truth >= lower) & (truth <= upper)).mean()),
        "labels": labels.tolist(),
        "scores": scores.tolist(),
        "averagePrecision": [metrics.average_precision_score(l, s) for l, s in zip(labels, scores)],
        "meanAveragePrecision": metrics.average_precision_score(labels.T, scores.T, average="macro"),
        "areaUnderRoc": [metrics.roc_auc_score(l, s) for l, s in zip(labels, scores)],
        "brierScore": [metrics.brier_score_loss(l, s) for l, s in zip(labels, scores)],
        "calibrationError": [calibration_error(l, s, 8) for l, s in zip(labels, scores)],
    }
