"""Reference values of TF-IDF (scikit-learn) and of the SVD of its matrix (exact, numpy)."""

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

WORDS = (
    "find the sum of all prime numbers below Ten twenty 30 x y_1 naïve Über straße число 数学 write code that "
    "sorts an array in place Use python return answer only don't stop agent planner solver verifier"
).split()
RANK = 6


def texts(chance, count):
    made = []
    for _ in range(count):
        topic = chance.integers(0, 4) * 8
        words = [WORDS[int(i) % len(WORDS)] for i in topic + chance.integers(0, 14, chance.integers(3, 26))]
        made.append(chance.choice([" ", "  ", ", ", "\n"]).join(words))
    return made + ["", "a b c", "!!"]


def make():
    made = texts(np.random.default_rng(7), 60)
    result = {"texts": made, "variants": []}
    for options in ({"min_df": 2}, {"min_df": 3, "sublinear_tf": True, "ngram_range": (1, 1)}):
        vectorizer = TfidfVectorizer(**{"ngram_range": (1, 2), **options})
        matrix = vectorizer.fit_transform(made)
        terms = vectorizer.get_feature_names_out().tolist()
        rows = [
            {terms[column]: round(float(value), 9) for column, value in zip(row.indices, row.data)}
            for row in (matrix[i] for i in (0, 1, 2, 30, 60, 61, 62))
        ]
        result["variants"].append(
            {
                "documentsMin": options["min_df"],
                "isSublinear": "sublinear_tf" in options,
                "wordsPerTermMax": 1 if "ngram_range" in options else 2,
                "idf": {term: round(float(idf), 9) for term, idf in zip(terms, vectorizer.idf_)},
                "rowIndexes": [0, 1, 2, 30, 60, 61, 62],
                "rows": rows,
            }
        )
        if "ngram_range" in options:
            continue
        u, s, vt = np.linalg.svd(matrix.toarray(), full_matrices=False)
        places = u[:, :RANK] * s[:RANK]
        result["svd"] = {
            "rank": RANK,
            "singularValues": s[:RANK].round(10).tolist(),
            # the share of each that scikit-learn's randomised search misses in five iterations, mean of 50 seeds
            "missedInFiveIterations": np.mean(
                [
                    1 - TruncatedSVD(RANK, n_iter=5, n_oversamples=10, random_state=seed).fit(matrix).singular_values_ / s[:RANK]
                    for seed in range(50)
                ],
                axis=0,
            ).tolist(),
            # signs are free: products of places are not
            "products": (places @ places.T)[:12, :12].round(9).tolist(),
        }
    return result
