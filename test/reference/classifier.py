"""Reference values of logistic regression, calibration maps and nearest neighbours (scikit-learn)."""

import numpy as np
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

L2 = 0.5


def regression(chance):
    x = np.round(chance.normal(0, 1, (80, 6)) * (chance.random((80, 6)) < 0.6), 2)
    slopes = chance.normal(0, 1.2, (6, 3))
    labels = (x @ slopes + chance.normal(0, 1, (80, 3)) > 0.3).astype(float)
    labels[chance.random((80, 3)) < 0.1] = np.nan
    fits = []
    for label in labels.T:
        known = ~np.isnan(label)
        fit = LogisticRegression(C=1 / L2, tol=1e-10, max_iter=10_000).fit(x[known], label[known])
        fits.append({"weights": fit.coef_[0].tolist(), "intercept": float(fit.intercept_[0])})
    return {
        "l2": L2,
        "rows": x.tolist(),
        "labels": [[None if np.isnan(v) else int(v) for v in label] for label in labels.T],
        "fits": fits,
    }


def calibration(chance):
    scores = np.round(chance.normal(0, 1.5, 120), 1)
    labels = (chance.random(120) < 1 / (1 + np.exp(-0.8 * scores + 0.4))).astype(int)
    probes = np.round(np.linspace(-6, 6, 49), 3)
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    sigmoid = _SigmoidCalibration().fit(scores, labels)
    return {
        "scores": scores.tolist(),
        "labels": labels.tolist(),
        "probes": probes.tolist(),
        "isotonic": isotonic.predict(probes).tolist(),
        "platt": sigmoid.predict(probes).tolist(),
    }


def neighbours(chance):
    embeddings = np.round(chance.normal(0, 1, (60, 8)), 2)
    queries = np.round(chance.normal(0, 1, (10, 8)), 2)
    distances, rows = NearestNeighbors(n_neighbors=5, metric="cosine").fit(embeddings).kneighbors(queries)
    return {
        "embeddings": embeddings.tolist(),
        "queries": queries.tolist(),
        "rows": rows.tolist(),
        "similarities": (1 - distances).tolist(),
    }


def make():
    chance = np.random.default_rng(3)
    return {
        "regression": regression(chance),
        "calibration": calibration(chance),
        "neighbours": neighbours(chance),
    }
