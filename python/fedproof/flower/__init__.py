"""fedproof in a Flower app (extra `flower`): two lines.

Server: `strategy = Proved(FedAvg(…), context)`. Client: `app = ClientApp(mods=[proof_mod])`. Policy, trust and keys are configuration:
the run's `fedproof` names the federation's folder, a SuperNode's `fedproof` the node's own (docs/how-to/prove-a-flower-app.md).
"""

from fedproof.flower.hooks import mlflow_hook, tensorboard_hook
from fedproof.flower.mod import proof_mod
from fedproof.flower.strategy import Proved

__all__ = ["Proved", "mlflow_hook", "proof_mod", "tensorboard_hook"]
