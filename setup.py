"""Package metadata; the tools are configured in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "fomm_tf/version.py").read_text())[1]

# The lowest versions are what `make test-minimum` runs the tests with, the highest what
# `make test` does.
TENSORFLOW = ">=2.18,<2.22"
# Keras before 3.13 fails on keypoints without Jacobians. TensorFlow's summaries need TensorBoard,
# which TensorFlow 2.21 does not install.
KERAS = ["keras>=3.13,<4", "tensorboard>=2.18,<3"]

# Console script -> module; each module has a function `command` without arguments.
COMMANDS = {
    "fomm-advise": "export.advise",
    "fomm-animate": "fomm_tf.animate",
    "fomm-benchmark": "fomm_tf.benchmark",
    "fomm-cartoon-faces": "fomm_tf.data.cartoon_faces.__main__",
    "fomm-convert-checkpoint": "fomm_tf.convert_checkpoint",
    "fomm-distill": "fomm_tf.distill",
    "fomm-evaluate": "fomm_tf.evaluate",
    "fomm-evaluate-landmarks": "fomm_tf.evaluate_landmarks",
    "fomm-export": "export.convert",
    "fomm-export-benchmark": "export.benchmark",
    "fomm-layer-groups": "export.layer_groups",
    "fomm-plot": "fomm_tf.plot",
    "fomm-predict": "fomm_tf.predict",
    "fomm-swap-parts": "fomm_tf.swap_parts",
    "fomm-train": "fomm_tf.train",
    "fomm-verify": "export.verify",
}

setup(
    name="fomm-tf",
    version=VERSION,
    description="Image animation by the First Order Motion Model in TensorFlow and Keras",
    license="MIT",
    license_files=["LICENSE"],
    author="fomm_tf contributors",
    python_requires=">=3.11,<3.14",
    packages=find_packages(include=["export", "fomm_tf", "fomm_tf.*"]),
    entry_points={
        "console_scripts": [f"{name} = {module}:command" for name, module in COMMANDS.items()]
    },
    install_requires=["av>=18", "numpy>=1.26", "pillow>=11.2.1", "pyyaml>=6", "tqdm>=4.66"],
    extras_require={
        # Training, and everything that runs a Keras model. `tf-cpu` is the same in half the size,
        # for 64-bit Intel and AMD machines without a GPU; take one of the two.
        "tf": [f"tensorflow{TENSORFLOW}", *KERAS],
        "tf-cpu": [f"tensorflow-cpu{TENSORFLOW}", *KERAS],
        # Running exported graphs without TensorFlow.
        "lite": ["ai-edge-litert~=2.3"],
        # The same where the older runtime is at home; it ends at Python 3.11 and NumPy 1.
        "tflite": ["tflite-runtime==2.14.0; python_version < '3.12'", "numpy<2"],
        # Exporting in int8, and the plots of `export.benchmark` and `fomm_tf.plot`.
        "int8": ["ai-edge-quantizer~=0.10.0"],
        "plot": ["matplotlib~=3.10"],
        # Making docs/api.md.
        "docs": ["griffe2md~=1.5"],
        "dev": [
            "mypy",
            "pytest",
            "pytest-xdist",
            "ruff",
            "setuptools>=77.0.3",
            "types-PyYAML",
            "types-tqdm",
        ],
    },
)
