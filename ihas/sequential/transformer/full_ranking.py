"""A transformer under full ranking: ranks among all items, those of the history hidden or not, and cross-entropy over all items."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import logsumexp

from ihas.sequential.data.batches import padded
from ihas.sequential.data.ranking import RankingMetrics, ranking_metrics, target_ranks
from ihas.sequential.data.sequences import NextItem, Sequences
from ihas.sequential.transformer.model import Transformer

BLOCK_ROWS = 1_024


def score_blocks(network: Transformer, histories: Sequences) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row numbers and their scores, float32 (rows, num_items), some rows at a time; together every history once, short ones first."""
    order = np.argsort(np.minimum(histories.lengths, network.config.max_length), kind="stable")
    for start in range(0, len(order), BLOCK_ROWS):
        rows = order[start : start + BLOCK_ROWS]
        yield rows, history_scores(network, histories.take(rows))


def history_scores(network: Transformer, histories: Sequences) -> np.ndarray:
    """Score of every item after histories of any length, of which the last items are read: float32 (histories, num_items)."""
    some = histories.last(network.config.max_length)
    return np.asarray(network.scores(padded(some, max(1, int(some.lengths.max(initial=0))))).numpy())


def transformer_ranks(network: Transformer, rows: NextItem) -> np.ndarray:
    """Rank of each target among all items, without those of its history where they are hidden, ties against it: int64 (rows,)."""
    ranks = np.empty(len(rows), np.int64)
    for chosen, scores in score_blocks(network, rows.histories):
        hidden = rows.histories.take(chosen) if network.config.hide_history else None
        ranks[chosen] = target_ranks(scores, rows.targets[chosen], hidden)
    return ranks


def transformer_metrics(network: Transformer, rows: NextItem) -> RankingMetrics:
    """HR@k, NDCG@k and MRR under full ranking."""
    return ranking_metrics(transformer_ranks(network, rows))


def transformer_loss(network: Transformer, rows: NextItem) -> float:
    """Mean cross-entropy over all items of the targets, in nats."""
    total = 0.0
    for chosen, scores in score_blocks(network, rows.histories):
        total += float((logsumexp(scores, axis=1) - scores[np.arange(len(chosen)), rows.targets[chosen]]).sum())
    return total / len(rows)
