"""A library that knows joblib only, in the manner of scikit-learn: the program that uses it says
where its loops run. Nearest-neighbour classification, its parameter chosen by cross-validation.

    python grid_search.py [BACKEND]     extpool, loky or threading
"""

import random
import sys

from joblib import Parallel, delayed


class Neighbours:
    """Takes the label that most of the k nearest known points have."""

    def __init__(self, k=3):
        self.k = k

    def fit(self, points, labels):
        self.known = list(zip(points, labels))
        return self

    def predict_one(self, point):
        near = sorted(self.known, key=lambda known: sum((a - b) ** 2
                                                        for a, b in zip(known[0], point)))
        labels = [label for _, label in near[:self.k]]
        return max(sorted(set(labels)), key=labels.count)

    def score(self, points, labels):
        right = sum(self.predict_one(point) == label for point, label in zip(points, labels))
        return right / len(labels)


def fit_and_score(estimator, points, labels, fold, folds):
    """One fold of a cross-validation."""
    train = [i for i in range(len(points)) if i % folds != fold]
    test = range(fold, len(points), folds)
    estimator.fit([points[i] for i in train], [labels[i] for i in train])
    return estimator.score([points[i] for i in test], [labels[i] for i in test])


class GridSearch:
    """Tries parameters by cross-validation; n_jobs as in scikit-learn."""

    def __init__(self, make, values, folds=4, n_jobs=None):
        self.make, self.values, self.folds, self.n_jobs = make, values, folds, n_jobs

    def fit(self, points, labels):
        scores = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_and_score)(self.make(value), points, labels, fold, self.folds)
            for value in self.values for fold in range(self.folds))
        means = {value: sum(scores[i * self.folds:(i + 1) * self.folds]) / self.folds
                 for i, value in enumerate(self.values)}
        self.scores_ = means
        self.best_ = max(self.values, key=means.__getitem__)
        return self


def nested(n):
    """A loop inside a task."""
    return Parallel(n_jobs=2)(delayed(pow)(i, 2) for i in range(n))


def data(size=120, seed=1):
    chance = random.Random(seed)
    points = [(chance.random(), chance.random()) for _ in range(size)]
    return points, [int((x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.1) for x, y in points]


def search(**settings):
    return GridSearch(Neighbours, [1, 3, 5, 9], **settings).fit(*data())


if __name__ == "__main__":
    import joblib

    import extpool.joblib

    extpool.joblib.register()
    with joblib.parallel_config(backend=(sys.argv[1:] or ["extpool"])[0], n_jobs=2):
        found = search()
    print(found.best_, found.scores_)
