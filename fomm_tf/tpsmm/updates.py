"""One optimizer update as in the official training: clipped gradients, weight decay, Adam."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from fomm_tf.training.adam import Adam

_WEIGHT_DECAY = 1e-4
_LARGEST_GRADIENT = 10.0


def update(
    optimizer: Adam,
    gradients: Sequence[tf.Tensor],
    variables: Sequence,
    clip: bool,
) -> None:
    """Moves a network's variables.

    gradients: of this replica's share of the loss. clip: scales all of them so that none is larger
    than 10 (`clip_grad_norm_` with the infinity norm). Weight decay is an L2 penalty, of norms and
    biases too: it is added to the gradient after clipping, and Adam scales it like the rest. Of a
    batch in several parts (`accumulation_steps`) each part is clipped.
    """
    replica = tf.distribute.get_replica_context()
    count = replica.num_replicas_in_sync
    if count > 1:
        # Clipping needs the whole batch's gradients.
        gradients = replica.all_reduce(tf.distribute.ReduceOp.SUM, list(gradients))
    if clip:
        largest = tf.reduce_max([tf.reduce_max(tf.abs(gradient)) for gradient in gradients])
        factor = tf.minimum(1.0, _LARGEST_GRADIENT / (largest + 1e-6))
        gradients = [gradient * factor for gradient in gradients]
    # The optimizer adds the replicas' gradients up, which are equal by now.
    optimizer.apply(
        [
            (gradient + _WEIGHT_DECAY * variable) / count
            for gradient, variable in zip(gradients, variables, strict=True)
        ]
    )
