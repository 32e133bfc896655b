"""Reference values of trees and forests: scikit-learn's trees, quantile-forest's forests, and Meinshausen's
quantiles from a tree's leaves by the definition."""

import numpy as np
from quantile_forest import ExtraTreesQuantileRegressor, RandomForestQuantileRegressor
from sklearn.metrics import mean_absolute_error, mean_pinball_loss
from sklearn.tree import DecisionTreeRegressor

LEVELS = [0.1, 0.5, 0.9]
TRAIN_ROWS = 500
SEEDS = range(8)


def rows(chance, count):
    x = np.stack(
        [
            chance.integers(0, 5, count),
            np.exp(chance.normal(2, 1, count)),
            *chance.normal(0, 1, (4, count)),
        ],
        axis=1,
    )
    x = np.round(x, 2).astype(np.float32)
    noise = chance.normal(0, 0.3 + 0.5 * (x[:, 2] > 0), count)
    y = np.exp(3 + 0.4 * x[:, 0] + 0.3 * x[:, 2] * x[:, 3] + 0.2 * np.log1p(x[:, 1]) + noise)
    return x, np.round(y)


def leaf_quantiles(tree, x, y, test):
    """inf { v : F(v) >= level } over the targets of the leaf."""
    leaf_of, result = tree.apply(x), []
    for leaf in tree.apply(test):
        values = np.sort(y[leaf_of == leaf])
        shares = np.arange(1, len(values) + 1) / len(values)
        result.append([float(values[np.argmax(shares >= level - 1e-12)]) for level in LEVELS])
    return result


def single_tree(x, y, test):
    tree = DecisionTreeRegressor(min_samples_leaf=5, random_state=0).fit(x, y)
    return {
        "nodeCount": int(tree.tree_.node_count),
        "depth": int(tree.get_depth()),
        "rootFeature": int(tree.tree_.feature[0]),
        "rootThreshold": float(tree.tree_.threshold[0]),
        "trainPredictions": tree.predict(x).round(6).tolist(),
        "testPredictions": tree.predict(test).round(6).tolist(),
        "testQuantiles": leaf_quantiles(tree, x, y, test),
    }


def quality(model, x, y, test, truth):
    losses, errors, covers = [], [], []
    for seed in SEEDS:
        fitted = model(seed).fit(x, y)
        quantiles = np.asarray(fitted.predict(test, quantiles=LEVELS))
        losses.append([mean_pinball_loss(truth, quantiles[:, i], alpha=a) for i, a in enumerate(LEVELS)])
        means = np.mean([tree.predict(test) for tree in fitted.estimators_], axis=0)
        errors.append(mean_absolute_error(truth, means))
        covers.append(float(((truth >= quantiles[:, 0]) & (truth <= quantiles[:, 2])).mean()))
    spread = lambda values: {"mean": np.mean(values, axis=0).tolist(), "sd": np.std(values, axis=0, ddof=1).tolist()}
    return {"pinball": spread(losses), "absoluteError": spread(errors), "coverage": spread(covers)}


def out_of_bag(x, y):
    errors = []
    for seed in SEEDS:
        model = RandomForestQuantileRegressor(
            n_estimators=50, max_features=2, min_samples_leaf=3, max_samples_leaf=None, random_state=seed, oob_score=True
        ).fit(x, y)
        errors.append(mean_absolute_error(y, model.oob_prediction_.ravel()))
    return {"mean": float(np.mean(errors)), "sd": float(np.std(errors, ddof=1))}


def make():
    chance = np.random.default_rng(5)
    x, y = rows(chance, TRAIN_ROWS)
    test, truth = rows(chance, 200)
    holed = x.copy()
    holed[chance.random(x.shape) < 0.15] = np.nan
    holed_tree = DecisionTreeRegressor(min_samples_leaf=5, random_state=0).fit(holed, y)
    common = {"n_estimators": 50, "max_features": 2, "min_samples_leaf": 3, "max_samples_leaf": None}
    return {
        "levels": LEVELS,
        "train": x.astype(float).round(2).tolist(),
        "target": y.tolist(),
        "test": test.astype(float).round(2).tolist(),
        "truth": truth.tolist(),
        "tree": single_tree(x, y, test),
        "holes": np.argwhere(np.isnan(holed)).tolist(),
        "holedTree": {
            "nodeCount": int(holed_tree.tree_.node_count),
            "trainPredictions": holed_tree.predict(holed).round(6).tolist(),
        },
        "cart": quality(lambda seed: RandomForestQuantileRegressor(random_state=seed, **common), x, y, test, truth),
        "extra": quality(lambda seed: ExtraTreesQuantileRegressor(random_state=seed, **common), x, y, test, truth),
        "outOfBagError": out_of_bag(x, y),
    }
