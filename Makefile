# The commands of this project. `make test` and `make demo` include all set-up.

PYTHON ?= python3
BIN := .venv/bin/
READY := .venv/ready

.PHONY: help venv demo test soak test-minimum lint types docs apk apk-test lock clean

help:
	@echo "make demo    animate, evaluate, train briefly, export to int8; results in demo/"
	@echo "make test    run all tests"
	@echo "make soak    run the longer proofs: training by several processes, killed and resumed"
	@echo "make test-minimum  the same with the lowest versions that setup.py allows (Python 3.11)"
	@echo "make lint    check style and format"
	@echo "make types   check type hints"
	@echo "make docs    write docs/api.md from the docstrings"
	@echo "make apk     build and sign the Android app (needs Java, Maven, apksigner, gcc)"
	@echo "make apk-test  also run its tests and style checks; skipped if Java is not installed"
	@echo "make venv    create .venv with the locked packages (other targets do this automatically)"
	@echo "make lock    update requirements.lock to the latest versions"
	@echo "make clean   remove everything that the other targets create"
	@echo "PYTHON=python3.12 before or after the target selects the interpreter (3.11 to 3.13)."

venv: $(READY)

# The marker is written last, so that an interrupted installation starts over.
$(READY): requirements.lock setup.py
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v < (3, 14) or sys.exit( \
	  "error: %s is Python %d.%d, but 3.11 to 3.13 is required: add PYTHON=/path/to/python3.12" % (sys.executable, *v))'
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# Not the seed of the bundled model's training data: it was not trained on these faces.
FACES := demo/faces
DEMO_STEPS ?= 200
export TF_CPP_MIN_LOG_LEVEL ?= 2

demo: $(READY)
	rm -rf demo
	mkdir demo
	$(BIN)python -m fomm_tf.data.cartoon_faces --out $(FACES) --videos 16 --frames 75 --size 128 --seed 2026
	$(BIN)python -c 'from PIL import Image; from fomm_tf.media.video_reader import open_video; \
	  Image.fromarray(next(iter(open_video("$(FACES)/test/00007.mp4")))).save("demo/source.png")'
	$(BIN)python -m fomm_tf.animate --model models/cartoon-faces --source demo/source.png \
	  --driving $(FACES)/test/00015.mp4 --out demo/animated.gif
	$(BIN)python -m fomm_tf.animate --model models/cartoon-faces --source demo/source.png \
	  --driving $(FACES)/test/00015.mp4 --out demo/side-by-side.mp4 --side-by-side
	$(BIN)python -m fomm_tf.evaluate --model models/cartoon-faces --data $(FACES) --out demo/evaluation
	$(BIN)python -m fomm_tf.train --config configs/cartoon-faces-64.yaml --data $(FACES) --out demo/training \
	  --steps $(DEMO_STEPS)
	$(BIN)python -m export.convert --model models/cartoon-faces --out demo/int8 --precision int8
	$(BIN)python -m fomm_tf.animate --model demo/int8 --source demo/source.png \
	  --driving $(FACES)/test/00015.mp4 --out demo/animated-int8.gif
	$(BIN)python -m export.benchmark --model models/cartoon-faces --precisions float32 int8 --rounds 3 --out demo/speed
	@echo
	@echo "animated picture:          demo/animated.gif"
	@echo "source, driving, result:   demo/side-by-side.mp4"
	@echo "evaluation on new faces:   demo/evaluation"
	@echo "short training run:        demo/training"
	@echo "int8 model:                demo/int8, its result: demo/animated-int8.gif"
	@echo "size, speed and quality:   demo/speed"

# Two processes: most of the time is spent tracing graphs, which is single-threaded. The tests of a
# file run in one process, as they share fixtures.
test: $(READY)
	$(BIN)python -m pytest -n 2 --dist loadfile

# Longer proofs: several processes, killed and started again.
soak: $(READY)
	$(BIN)python -m pytest -m soak

test-minimum: .venv-minimum/ready
	.venv-minimum/bin/python -m pytest -n 2 --dist loadfile

# What setup.py says, as pip understands it, becomes the list of lowest versions. What our packages
# ask for in turn is not held down.
.venv-minimum/ready: setup.py
	@$(PYTHON) -c 'import sys; sys.version_info[:2] == (3, 11) or sys.exit( \
	  "error: the lowest versions are those for Python 3.11: add PYTHON=/path/to/python3.11")'
	rm -rf .venv-minimum
	$(PYTHON) -m venv .venv-minimum
	.venv-minimum/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	sed -nE 's/^Requires-Dist: ([A-Za-z-]+).*[>~]=([0-9.]+).*/\1==\2/p' \
	  .venv-minimum/lib/python3.11/site-packages/fomm_tf-*.dist-info/METADATA > .venv-minimum/lowest.txt
	.venv-minimum/bin/python -m pip install --quiet --disable-pip-version-check --constraint .venv-minimum/lowest.txt \
	  --editable '.[tf-cpu,lite,int8,plot]' pytest pytest-xdist
	touch $@

lint: $(READY)
	$(BIN)ruff check .
	$(BIN)ruff format --check .

types: $(READY)
	$(BIN)mypy

# The app's build exports the bundled model.
apk: $(READY)
	$(MAKE) -C android_demo apk PYTHON=$(abspath $(BIN))/python

apk-test: $(READY)
	$(MAKE) -C android_demo test PYTHON=$(abspath $(BIN))/python

# One lock file for Python 3.11 to 3.13. It is created on 64-bit Intel or AMD Linux, where
# TensorFlow's CPU build (half the size) replaces the full one.
lock:
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --upgrade pip
	.venv-lock/bin/python -m pip install --quiet --editable '.[tf-cpu,lite,int8,plot,docs,dev]'
	( echo '# Exact versions for development and tests, Python 3.11 to 3.13. Renew with: make lock'; \
	  .venv-lock/bin/python -m pip freeze --all --exclude pip --exclude-editable \
	  | sed -E '/^#/d; s/^tensorflow[-_]cpu==(.*)/tensorflow-cpu==\1 ; sys_platform == "linux" and platform_machine == "x86_64"\ntensorflow==\1 ; sys_platform != "linux" or platform_machine != "x86_64"/' \
	) > requirements.lock
	rm -rf .venv-lock

clean:
	$(MAKE) -C android_demo clean
	rm -rf .venv .venv-lock .venv-minimum demo build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
