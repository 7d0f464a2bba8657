"""Five ways to ask more of a next-item model than its mean rank (tasks of Zhang et al., RecSys 2024; details are our choice).

A model is asked through `Scores`: from histories to a score of every item. All figures are under full ranking, history hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ihas.errors import ConfigError
from ihas.sequential.data.ranking import RankingMetrics, ranking_metrics, target_ranks
from ihas.sequential.data.sequences import NextItem, Sequences

Scores = Callable[[Sequences], np.ndarray]
"""From histories to float (histories, num_items)."""
NUM_POPULARITY_GROUPS = 4
BLOCK_ROWS = 1_024


def ranks_of(scores: Scores, rows: NextItem, asked: Sequences | None = None) -> np.ndarray:
    """Rank of each target, int64 (rows,); the model sees `asked` in place of the histories where given, which stay hidden all the same."""
    seen, found = rows.histories if asked is None else asked, []
    for start in range(0, len(rows), BLOCK_ROWS):
        block = np.arange(start, min(start + BLOCK_ROWS, len(rows)))
        found.append(target_ranks(scores(seen.take(block)), rows.targets[block], rows.histories.take(block)))
    return np.concatenate([np.empty(0, np.int64), *found])


def popularity_groups(train: Sequences, num_items: int) -> np.ndarray:
    """Group of each item, int64 (num_items,): 0 the most popular, 3 the least; each group has about a quarter of the interactions.

    Items by falling count, equal ones by number; an item belongs to the quarter in which its first interaction lies.
    """
    counts = train.counts(num_items)
    order = np.lexsort((np.arange(num_items), -counts))
    before = np.cumsum(counts[order]) - counts[order]
    groups = np.empty(num_items, np.int64)
    groups[order] = np.minimum(NUM_POPULARITY_GROUPS * before // max(int(counts.sum()), 1), NUM_POPULARITY_GROUPS - 1)
    return groups


def long_tail(scores: Scores, rows: NextItem, groups: np.ndarray) -> dict[int, RankingMetrics]:
    """Metrics of the targets of each popularity group that has any."""
    ranks, of_target = ranks_of(scores, rows), groups[rows.targets]
    return {int(group): ranking_metrics(ranks[of_target == group]) for group in np.unique(of_target)}


def cold_start(scores: Scores, rows: NextItem, lengths: Sequence[int]) -> dict[int, RankingMetrics]:
    """Metrics where the model sees only the last so many items of each history."""
    return {length: ranking_metrics(ranks_of(scores, rows, rows.histories.last(length))) for length in lengths}


def coverage(scores: Scores, histories: Sequences, k: int = 10) -> float:
    """Share of items that are among the k best of some history; items of the history are hidden, equal scores go by item number."""
    recommended: np.ndarray | None = None
    for start in range(0, len(histories), BLOCK_ROWS):
        block = histories.take(np.arange(start, min(start + BLOCK_ROWS, len(histories))))
        found = scores(block).astype(np.float64)
        found[np.repeat(np.arange(len(block)), block.lengths), block.items] = -np.inf
        best = np.argsort(-found, axis=1, kind="stable")[:, :k]
        recommended = np.zeros(found.shape[1], bool) if recommended is None else recommended
        recommended[best.ravel()] = True
    if recommended is None:
        raise ConfigError("Coverage needs at least one history, but there is none.")
    return float(recommended.mean())


def disturbed(histories: Sequences, share: float, num_items: int | None, rng: np.random.Generator) -> Sequences:
    """Histories of which each item is deleted, or replaced by a drawn one of `num_items`, with the given probability.

    A history never becomes empty: its last item stays where all would be deleted.
    """
    struck = rng.random(len(histories.items)) < share
    if num_items is not None:
        drawn = rng.integers(num_items, size=len(struck)).astype(np.int32)
        return Sequences(histories.offsets, np.where(struck, drawn, histories.items))
    of_item = np.repeat(np.arange(len(histories)), histories.lengths)
    left = np.bincount(of_item[~struck], minlength=len(histories))
    emptied = (left == 0) & (histories.lengths > 0)
    struck[histories.offsets[1:][emptied] - 1] = False
    lengths = np.bincount(of_item[~struck], minlength=len(histories))
    return Sequences(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), histories.items[~struck])


def robustness(
    scores: Scores, rows: NextItem, shares: Sequence[float], rng: np.random.Generator, num_items: int | None = None
) -> dict[float, float]:
    """Relative loss of NDCG@10 under each share of disturbed items, 1 - disturbed / clean; deletion, or replacement given `num_items`.

    Raises:
        ConfigError: the clean NDCG@10 is 0, so that nothing can be lost.
    """
    clean = ranking_metrics(ranks_of(scores, rows)).ndcg[10]
    if clean == 0.0:
        raise ConfigError("The clean NDCG@10 must be above 0 for a relative loss, but it is 0. Train the model first.")
    found = {share: ranks_of(scores, rows, disturbed(rows.histories, share, num_items, rng)) for share in shares}
    return {share: 1.0 - ranking_metrics(ranks).ndcg[10] / clean for share, ranks in found.items()}


def roll_out(scores: Scores, sequences: Sequences, horizon: int) -> dict[int, RankingMetrics]:
    """Metrics at 1 .. `horizon` items after a prefix that ends so many items before the end; after each, the model's best item is appended.

    An appended item counts as history from then on: a model that names the item after the next too early no longer finds it.

    The best item is the highest score among items that the prefix and its continuation do not hold, equal ones by number. Sequences of
    `horizon` items or fewer are left out.

    Raises:
        ConfigError: no sequence is longer than `horizon`.
    """
    long = sequences.take(sequences.lengths > horizon)
    if not len(long):
        raise ConfigError(f"Some sequence must be longer than the horizon, but none of {len(sequences)} is longer than {horizon}.")
    seen, found = long.first(-horizon), {}
    for step in range(1, horizon + 1):
        targets = long.items[long.offsets[1:] - horizon + step - 1]
        ranks, appended = [], []
        for start in range(0, len(long), BLOCK_ROWS):
            block = np.arange(start, min(start + BLOCK_ROWS, len(long)))
            histories = seen.take(block)
            of_block = scores(histories).astype(np.float64)
            ranks.append(target_ranks(of_block, targets[block], histories))
            of_block[np.repeat(np.arange(len(block)), histories.lengths), histories.items] = -np.inf
            appended.append(of_block.argmax(axis=1))
        found[step] = ranking_metrics(np.concatenate(ranks))
        seen = Sequences.of([np.append(items, item) for items, item in zip(seen, np.concatenate(appended), strict=True)])
    return found


def within_domain(sequences: Sequences, members: np.ndarray) -> Sequences:
    """Sequences of the items of one domain alone, renumbered in order: bool (num_items,). Those without any stay, empty."""
    kept = members[sequences.items]
    number = np.cumsum(members) - 1
    of_item = np.repeat(np.arange(len(sequences)), sequences.lengths)
    lengths = np.bincount(of_item[kept], minlength=len(sequences))
    return Sequences(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), number[sequences.items[kept]].astype(np.int32))


def of_domain(sequences: Sequences, members: np.ndarray) -> Sequences:
    """The same without users who have no item of the domain."""
    found = within_domain(sequences, members)
    return found.take(found.lengths > 0)


def transfer_gain(transferred: np.ndarray, alone: np.ndarray) -> float:
    """What another domain brings: NDCG@10 of ranks after training on it too, over that of ranks without it, minus 1.

    Raises:
        ConfigError: the NDCG@10 without it is 0.
    """
    before = ranking_metrics(alone).ndcg[10]
    if before == 0.0:
        raise ConfigError("NDCG@10 without the other domain must be above 0 for a relative gain, but it is 0. Train longer.")
    return ranking_metrics(transferred).ndcg[10] / before - 1.0
