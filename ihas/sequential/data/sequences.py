"""Item sequences of users as values, stored end to end without padding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ihas.errors import DataError


@dataclass(frozen=True)
class Sequences:
    """Sequences of items, oldest item first.

    Attributes:
        offsets: int64 (num_sequences + 1,). Sequence s is `items[offsets[s]:offsets[s + 1]]`.
        items: int32 (total,). Items are numbered from 0.
    """

    offsets: np.ndarray
    items: np.ndarray

    @classmethod
    def of(cls, sequences: Iterable[Sequence[int] | np.ndarray]) -> Sequences:
        """Sequences from one list or array of items each."""
        arrays = [np.asarray(sequence, np.int32) for sequence in sequences]
        offsets = np.concatenate([[0], np.cumsum([len(array) for array in arrays], dtype=np.int64)]).astype(np.int64)
        return cls(offsets, np.concatenate([np.empty(0, np.int32), *arrays]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, sequence: int) -> np.ndarray:
        """Items of one sequence: int32 (length,), a view."""
        if not 0 <= sequence < len(self):
            raise IndexError(sequence)
        return self.items[self.offsets[sequence] : self.offsets[sequence + 1]]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[sequence] for sequence in range(len(self)))

    @property
    def lengths(self) -> np.ndarray:
        """Items of each sequence: int64 (num_sequences,)."""
        return np.diff(self.offsets)

    def take(self, rows: np.ndarray) -> Sequences:
        """The given sequences, in that order: int (n,) or bool (num_sequences,)."""
        starts, lengths = self.offsets[:-1][rows], self.lengths[rows]
        return _gathered(self.items, starts, lengths)

    def first(self, lengths: np.ndarray | int) -> Sequences:
        """Each sequence's first items, at most `lengths` of them; a negative number leaves that many out at the end."""
        own = self.lengths
        wanted = np.broadcast_to(np.asarray(lengths, np.int64), own.shape)
        return _gathered(self.items, self.offsets[:-1], np.clip(np.where(wanted < 0, own + wanted, wanted), 0, own))

    def last(self, length: int) -> Sequences:
        """Each sequence's last items, at most `length` of them."""
        kept = np.minimum(self.lengths, length)
        return _gathered(self.items, self.offsets[1:] - kept, kept)

    def followed_by(self, other: Sequences) -> Sequences:
        """These sequences, then the other ones."""
        return Sequences(np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]]), np.concatenate([self.items, other.items]))

    def counts(self, num_items: int) -> np.ndarray:
        """Occurrences of each item: int64 (num_items,)."""
        return np.bincount(self.items, minlength=num_items)


@dataclass(frozen=True)
class UserSequences:
    """What each user took, in order of time.

    Attributes:
        users: names, each once.
        items: names, each once; an item's position is its number in `sequences`.
        sequences: one per user, in the order of `users`.
    """

    users: tuple[str, ...]
    items: tuple[str, ...]
    sequences: Sequences

    @property
    def num_items(self) -> int:
        """Items."""
        return len(self.items)


@dataclass(frozen=True)
class NextItem:
    """Histories, and the item that followed each.

    Attributes:
        users: int64 (rows,). Position of each row's user.
        histories: what came before.
        targets: int32 (rows,). What came next.
    """

    users: np.ndarray
    histories: Sequences
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True)
class LeaveOneOut:
    """Parts of users' sequences, by place from the end.

    Attributes:
        train: everything but the last two items of each user with three or more, and all items of the others.
        valid: the last item but one, after what came before it; of users with three items or more.
        test: the last item, after everything before it, the validation item included; of the same users.
    """

    train: Sequences
    valid: NextItem
    test: NextItem


def leave_one_out(sequences: Sequences) -> LeaveOneOut:
    """The parts of leave-one-out: last item test, last but one validation.

    Raises:
        DataError: no user has three items.
    """
    users = np.flatnonzero(sequences.lengths >= 3)
    if not len(users):
        longest = int(sequences.lengths.max(initial=0))
        raise DataError(
            f"Leave-one-out needs a user with 3 items or more, but the longest of {len(sequences)} sequences has {longest}. Give more rows."
        )
    long = sequences.take(users)
    trained_on = np.where(sequences.lengths >= 3, sequences.lengths - 2, sequences.lengths)
    return LeaveOneOut(
        train=sequences.first(trained_on),
        valid=NextItem(users, long.first(-2), long.items[long.offsets[1:] - 2]),
        test=NextItem(users, long.first(-1), long.items[long.offsets[1:] - 1]),
    )


def prefixes(sequences: Sequences) -> NextItem:
    """Every non-empty beginning of every sequence with the item after it, in the order of users, then of time."""
    rows = np.maximum(sequences.lengths - 1, 0)
    users = np.repeat(np.arange(len(sequences)), rows)
    lengths = np.arange(rows.sum()) - np.repeat(np.cumsum(rows) - rows, rows) + 1
    starts = sequences.offsets[users]
    return NextItem(users, _gathered(sequences.items, starts, lengths), sequences.items[starts + lengths])


def _gathered(items: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> Sequences:
    """Runs of `items`, end to end."""
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
    positions = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
    return Sequences(offsets, items[positions])
