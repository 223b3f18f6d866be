"""The certificate of a finished model, the bundle that goes with it, and `verify_bundle`
(spec/certificate.md).

An aggregator's record becomes model, bundle and certificate by `release` (which calls `write_bundle`, and `issue`, which checks the
bundle and signs a statement about the model); anybody with a policy and a trust file of their own runs `verify_bundle`.
"""

from fedproof.provenance.bundle import Bundle, write_bundle
from fedproof.provenance.certificate import issue
from fedproof.provenance.claims import CLAIMS, NOT_PROVEN, Claim
from fedproof.provenance.release import release
from fedproof.provenance.report import Left, Report
from fedproof.provenance.statement import Producer, Statement
from fedproof.provenance.verify import verify_bundle

__all__ = [
    "CLAIMS",
    "NOT_PROVEN",
    "Bundle",
    "Claim",
    "Left",
    "Producer",
    "Report",
    "Statement",
    "issue",
    "release",
    "verify_bundle",
    "write_bundle",
]
