"""scikit-learn and quantile-forest on the rows that `npm run bench -- forest --write FOLDER` saved, on one thread.

    VENV/bin/python bench/forest.py FOLDER [TREES]        (packages: test/reference/requirements.txt)
"""

import os
import pathlib
import sys
import time

import numpy as np
from quantile_forest import ExtraTreesQuantileRegressor, RandomForestQuantileRegressor
from sklearn.metrics import mean_pinball_loss

LEVELS = [0.1, 0.5, 0.9]


def load(folder, name):
    count = len(list(folder.glob(f"{name}.*.f32")))
    columns = [np.fromfile(folder / f"{name}.{i}.f32", np.float32) for i in range(count)]
    return np.stack(columns, axis=1), np.fromfile(folder / f"{name}.target.f64", np.float64)


def kendall_distance(truth, prediction):
    from scipy.stats import kendalltau

    # tau-b's numerator over the pairs that are not tied in the truth
    n = len(truth)
    counts = lambda v: (lambda c: (c * (c - 1) // 2).sum())(np.unique(v, return_counts=True)[1])
    pairs = n * (n - 1) // 2
    free = pairs - counts(truth)
    tau = kendalltau(truth, prediction).statistic
    return 0.5 - 0.5 * tau * np.sqrt(float(free) * float(pairs - counts(prediction))) / free


def report(name, model, train, test):
    started, processor = time.perf_counter(), os.times().user
    model.fit(*train)
    seconds, processor_seconds = time.perf_counter() - started, os.times().user - processor
    print(f"{name}\n  fit        {seconds:.2f} s, {processor_seconds:.2f} s of the processor")
    started = time.perf_counter()
    quantiles = np.asarray(model.predict(test[0], quantiles=LEVELS))
    print(f"  quantiles  {(time.perf_counter() - started) / len(test[1]) * 1e6:.1f} us a row, in one batch")
    means = np.mean([tree.predict(test[0]) for tree in model.estimators_], axis=0)
    print(f"  nodes      {sum(tree.tree_.node_count for tree in model.estimators_)}")
    print(f"  kendall    {kendall_distance(test[1], means):.4f}")
    losses = [mean_pinball_loss(test[1], quantiles[:, i], alpha=LEVELS[i]) for i in (0, 1)]
    print(f"  pinball    {losses[0]:.3f} at .1, {losses[1]:.3f} at .5")


def main():
    folder = pathlib.Path(sys.argv[1])
    trees = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    train, test = load(folder, "train"), load(folder, "test")
    common = {"n_estimators": trees, "random_state": 1, "n_jobs": 1, "max_samples_leaf": None}
    features = train[0].shape[1]
    report(
        "cart, bootstrap, a third of the features, leaf 5",
        RandomForestQuantileRegressor(max_features=-(-features // 3), min_samples_leaf=5, **common),
        train,
        test,
    )
    report(
        "random splits, half of the features, leaf 3",
        ExtraTreesQuantileRegressor(max_features=-(-features // 2), min_samples_leaf=3, **common),
        train,
        test,
    )


if __name__ == "__main__":
    main()
