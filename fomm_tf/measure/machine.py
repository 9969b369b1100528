"""Description of the machine that figures were measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def processors() -> int:
    """Number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def describe_machine() -> dict[str, str]:
    """What the figures depend on: processor, cores, SIMD extensions, TensorFlow."""
    import tensorflow as tf

    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    parts = (line.partition(":") for line in lines)
    facts = {key.strip(): value.strip() for key, _, value in parts}
    flags = [f for f in facts.get("flags", "").split() if "vnni" in f or "avx512" in f]
    intra_op = tf.config.threading.get_intra_op_parallelism_threads()
    inter_op = tf.config.threading.get_inter_op_parallelism_threads()
    machine = {
        "CPU": facts.get("model name") or platform.processor() or platform.machine(),
        "cores used": str(processors()),
        "VNNI/AVX512": " ".join(flags) or "none known",
        "TensorFlow": tf.__version__,
        "threads": f"intra-op {intra_op or 'automatic'}, inter-op {inter_op or 'automatic'}",
    }
    if hasattr(os, "getloadavg"):
        machine["load at the start"] = f"{os.getloadavg()[0]:.1f}"
    return machine
