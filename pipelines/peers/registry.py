"""Peers by the name that tables give them."""

from __future__ import annotations

from pipelines.peers.adafs import HARD, SOFT
from pipelines.peers.autofield import AutoField
from pipelines.peers.mixture import Mixture
from pipelines.peers.peer import Peer
from pipelines.peers.pep import PEP
from pipelines.peers.plain import LARGER, SMALLER

_ALL: tuple[Peer, ...] = (SOFT, HARD, AutoField(), PEP(), Mixture(), SMALLER, LARGER)
PEERS: dict[str, Peer] = {peer.name: peer for peer in _ALL}
