"""All peers by name."""

from __future__ import annotations

from pipelines.studies.baselines.registry import PEERS


def test_every_peer_is_there() -> None:
    """Seven peers, each under its own name."""
    expected = ["adafs-hard", "adafs-soft", "autofield", "mixture", "pep", "plain-larger", "plain-smaller"]
    assert sorted(PEERS) == expected
    assert all(peer.name == name for name, peer in PEERS.items())
