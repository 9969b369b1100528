"""Learning rates over a run."""

import pytest
from tiny import tiny_config

from fomm_tf.errors import ConfigError
from fomm_tf.training.schedule import learning_rate_factor


def factors(steps, **keys):
    train = tiny_config(
        **{f"train_params.{key}": value for key, value in keys.items()}
    ).train_params
    return [learning_rate_factor(train, step, epoch_steps=10, total=100) for step in steps]


def test_milestones_are_in_epochs():
    steps = [0, 19, 20, 49, 50, 99]
    assert factors(steps, epoch_milestones=[2, 5]) == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_a_cosine_ends_at_zero():
    found = factors([0, 25, 50, 75, 100, 120], epoch_milestones=[], decay="cosine")
    assert found == pytest.approx([1, 0.853553, 0.5, 0.146447, 0, 0], abs=1e-6)


def test_warm_up_comes_before_either():
    found = factors([0, 1, 3, 4, 20], warmup_steps=4, epoch_milestones=[2])
    assert found == pytest.approx([0.25, 0.5, 1, 1, 0.1])
    found = factors([0, 50], warmup_steps=2, epoch_milestones=[], decay="cosine")
    assert found == pytest.approx([0.5, 0.5])


def test_milestones_of_a_cosine_are_refused():
    with pytest.raises(ConfigError, match="epoch_milestones: have no effect with decay: cosine"):
        factors([0], epoch_milestones=[2], decay="cosine")
