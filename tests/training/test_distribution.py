"""Two replicas with half of the batch each take the same step as one device with all of it."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys
sys.path[:0] = sys.argv[2:]
from fomm_tf.quiet import import_tensorflow
import_tensorflow()
import keras, numpy as np, tensorflow as tf
from tiny import tiny_config
from fomm_tf.weights.state_dict import state_dict
from fomm_tf.fomm.step import FOMMTrainingStep

replicas = int(sys.argv[1])
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]) if replicas > 1 else None
keras.utils.set_random_seed(3)
gan = {"generator_gan": 1, "discriminator_gan": 1}
config = tiny_config(**{f"train_params.loss_weights.{name}": value for name, value in gan.items()})
step = FOMMTrainingStep(config, strategy)
for optimizer in step.optimizers.values():
    optimizer.learning_rate.assign(1e-4)
rng = np.random.default_rng(0)
def batch(n=4):
    return {
        "source": rng.random((n, 64, 64, 3), np.float32),
        "driving": rng.random((n, 64, 64, 3), np.float32),
        "theta": (np.eye(2, 3) + rng.normal(0, 0.05, (n, 2, 3))).astype(np.float32),
        "control_params": rng.normal(0, 0.005, (n, 1, 25)).astype(np.float32),
    }
batches = [batch() for _ in range(3)]
if replicas > 1:
    stacked = {name: np.stack([b[name] for b in batches]) for name in batches[0]}
    data = tf.data.Dataset.from_tensor_slices(stacked)
    batches = strategy.experimental_distribute_dataset(data)
losses = [{name: float(value) for name, value in step(b).items()} for b in batches]
def size(network):
    return float(sum(np.abs(value).sum() for value in state_dict(network).values()))
state = {name: size(network) for name, network in step.networks.items()}
running = state_dict(step.networks["generator"])["first.norm.running_var"].tolist()
print(json.dumps({"losses": losses, "state": state, "running": running}))
"""


@pytest.fixture(scope="module")
def runs(request):
    paths = [str(request.config.rootpath), str(request.config.rootpath / "tests")]
    results = []
    for replicas in (1, 2):
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(replicas), *paths],
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert result.returncode == 0, result.stderr[-2000:]
        results.append(json.loads(result.stdout.splitlines()[-1]))
    return results


def test_losses_are_those_of_the_whole_batch(runs):
    one, two = runs
    for alone, together in zip(one["losses"], two["losses"], strict=True):
        assert set(alone) == set(together) and "disc_gan" in alone
        for name, value in alone.items():
            assert together[name] == pytest.approx(value, rel=2e-3), name
    # Before anything has moved the two agree to rounding.
    assert two["losses"][0] == pytest.approx(one["losses"][0], rel=1e-5)


def test_weights_and_statistics_stay_together(runs):
    one, two = runs
    assert two["state"] == pytest.approx(one["state"], rel=1e-4)
    assert two["running"] == pytest.approx(one["running"], rel=1e-3)
