"""fedproof: federated learning whose every update and every sum is proved.

A tour, in the order in which data flows. Each layer imports only what stands before it.

`fedproof.errors`
    `Malformed`, `UsageError`, `Refused`: everything that can go wrong, by exit code.
`fedproof.encoding`
    One way to write each message (deterministic CBOR), digests, safe text, files that are written whole or
    not at all.
`fedproof.identity`
    Who signs: keys, signed messages, the endorsed roster of a federation, and the trust file of a verifier.
`fedproof.policy`
    What a federation demands of every update, and the proof parameters that follow from it.
`fedproof.proofs`
    Commitments to integer vectors and the relations proved about them: *plain opening* (the commitment holds
    these values), *bounded update* (every coordinate and the Euclidean norm are within the policy's bounds)
    and *honest aggregate* (this total is the weighted sum of those commitments); of trained heads *optimum*,
    *accuracy* and *receipt*.
`fedproof.model`
    From tensors to integers and back: layout, quantisation, clipping, and the exact weighted mean.
`fedproof.log`
    An append-only Merkle log in files, with signed checkpoints.
`fedproof.data`
    Data certified record by record by an authority, and the lists on which it revokes them.
`fedproof.training`
    The optimum of a convex objective on records that are integers, as integers, and how far from it they may be.
`fedproof.round`
    One round, as a client and a server without input or output of their own, and the durable driver of both.
`fedproof.provenance`
    The certificate of a finished model, the bundle that goes with it, and `verify_bundle`, which needs
    nothing but that bundle, the model, and the verifier's own policy and trust file.
`fedproof.doctor`
    Whether a machine, and a party's folder, is fit for a federation.
`fedproof.templates`
    Flower apps with proofs, to begin with.
`fedproof.torch`
    PyTorch models: their tensors as they are proved, and back. Needs the extra `torch`.
`fedproof.demo`, `fedproof.cli`
    Seven hospitals and one attacker on real data; the command `fedproof`.

To check a model that somebody gave you:

    from pathlib import Path
    from fedproof.identity.trust import Trust
    from fedproof.policy.policy import Policy
    from fedproof.provenance.verify import verify_bundle

    report = verify_bundle(
        Path("bundle"),
        model=Path("model.safetensors"),
        policy=Policy.load(Path("policy.toml")),
        trust=Trust.load(Path("trust.toml")),
    )  # raises fedproof.errors.Refused when anything is not as claimed

Of a head that was trained on certified data it is `fedproof.provenance.training.verify_training`.
"""

from importlib.metadata import version as _version

from fedproof.errors import FedproofError, Malformed, Refused, UsageError

__version__ = _version("fedproof")

__all__ = ["FedproofError", "Malformed", "Refused", "UsageError", "__version__"]
