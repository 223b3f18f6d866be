"""Rounds of training with proofs, none of evaluation."""

import numpy as np
from flwr.app import ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from fedproof.flower import Proved

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """One run."""
    config = context.run_config
    nodes = int(config["nodes"])
    plain = FedAvg(fraction_evaluate=0.0, min_train_nodes=2, min_available_nodes=nodes)
    strategy = Proved(plain, context, wait=float(config["wait"]))
    arrays = ArrayRecord([np.zeros((8, 3), np.float32), np.zeros(3, np.float32)])
    strategy.start(grid, arrays, num_rounds=int(config["rounds"]), timeout=float(config["timeout"]))
