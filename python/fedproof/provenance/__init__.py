"""The certificate of a finished model, the bundle that goes with it, and `verify_bundle`
(spec/certificate.md).

A federation's record becomes a bundle (`write_bundle`), `issue` checks it and signs a statement about the
model, and anybody with a policy and a trust file of their own runs `verify_bundle`.
"""

from fedproof.provenance.bundle import Bundle, write_bundle
from fedproof.provenance.certificate import issue
from fedproof.provenance.claims import CLAIMS, NOT_PROVEN, Claim
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
    "verify_bundle",
    "write_bundle",
]
