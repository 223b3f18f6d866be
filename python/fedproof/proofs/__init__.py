"""Commitments to integer vectors and the proofs about them.

One commitment carries everything: `commit` an update, prove that it is within the policy's bounds (`bounded_update`) or at
least that its maker can open it (`plain_opening`), add commitments as the updates add (`honest_aggregate`). `update` picks
the relation that a policy asks for. Verifiers return nothing or raise `fedproof.errors.Refused`.
"""

from fedproof.proofs.commitment import Commitment, Opening, check_opening, commit, commit_public
from fedproof.proofs.context import Context

__all__ = ["Commitment", "Context", "Opening", "check_opening", "commit", "commit_public"]
