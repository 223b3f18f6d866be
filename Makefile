# make demo and make test need Python >= 3.11, stable Rust and make; everything else goes into .venv-uv and .venv.
.DEFAULT_GOAL := help
.PHONY: help demo test bench bench-training bench-flower bench-masked fuzz rounds setup format lock clean
export UV_SYSTEM_CERTS := 1
# Whatever environment the caller has active, ours is .venv.
export VIRTUAL_ENV := $(CURDIR)/.venv
# Without compiled files beside its sources every one of many processes would compile PyTorch anew, for four seconds.
unexport CONDA_PREFIX PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

UV := .venv-uv/bin/uv
PIP := $(UV) pip
IN_TORCH := VIRTUAL_ENV=$(CURDIR)/.venv-torch $(PIP)
# Free kilobytes.
TORCH_ROOM := 12000000
COMPILE := $(PIP) compile --quiet --universal --generate-hashes --no-header
# The demo needs fewer packages than the tests; an environment that holds the development tools keeps them.
GROUP := $(if $(filter-out demo,$(MAKECMDGOALS))$(wildcard .venv/.fedproof-dev),dev,demo)

help:
	@echo "make demo     seven hospitals, one attacker, a certificate: set up and run it"
	@echo "make test     every check, one summary"
	@echo "make bench    the benchmark table, also as benchmarks/out/results.json (builds the baselines: some minutes)"
	@echo "make bench-training  a trained head's proof beside Groth16, also as benchmarks/out/training.json (some minutes)"
	@echo "make bench-masked    masked rounds beside Flower's SecAgg+; naming a cheat among a hundred (three minutes)"
	@echo "make bench-flower    a Flower app's overhead: parts on one core, a simulation with and without proofs (two minutes)"
	@echo "make rounds   masked rounds with clients that leave or cheat, at random; five times ROUNDS=400 by default"
	@echo "make fuzz     decoders and verifiers on arbitrary bytes; CASES=2000 by default"
	@echo "make setup    environment and extension with the development tools, nothing run"
	@echo "make format   cargo fmt, ruff format, ruff check --fix"
	@echo "make lock     bring requirements/*.txt up to date with pyproject.toml"
	@echo "make clean    remove what the other targets made"

demo: setup
	@.venv/bin/fedproof demo

test: setup .venv-torch/.fedproof
	@if [ -e .venv-torch/.fedproof ]; then $(IN_TORCH) install --quiet --no-deps --no-build-isolation --editable .; fi
	@.venv/bin/python scripts/check.py

bench:
	@sh scripts/prerequisites.sh >/dev/null
	@mkdir -p benchmarks/out
	@CARGO_TARGET_DIR=$(CURDIR)/target/bench cargo run --quiet --release --manifest-path benchmarks/baselines/Cargo.toml \
		-- --json benchmarks/out/results.json $(SIZES)

bench-training:
	@sh scripts/prerequisites.sh >/dev/null
	@mkdir -p benchmarks/out
	@CARGO_TARGET_DIR=$(CURDIR)/target/bench cargo run --quiet --release --manifest-path benchmarks/baselines/Cargo.toml \
		-- training --json benchmarks/out/training.json $(SIZES)

bench-masked: setup
	@mkdir -p benchmarks/out
	@.venv/bin/python -m benchmarks.masked.round --secagg-plus --json benchmarks/out/masked.json
	@.venv/bin/python -m benchmarks.masked.round --clients 100 --parameters 100000 --colluders 5 --silent 10 \
		--vanish 3 --quiet 3 --cheat --json benchmarks/out/blamed.json

bench-flower: setup
	@.venv/bin/python -m benchmarks.flower.one_core --json benchmarks/out/one_core.json
	@.venv/bin/python -m benchmarks.flower.overhead --json benchmarks/out/flower.json

CASES ?= 2000
fuzz: setup
	@PROPTEST_CASES=$(CASES) cargo test --quiet --release --package fedproof-core --all-features --test core -- tamper::arbitrary tamper::flipped
	@HYPOTHESIS_MAX_EXAMPLES=$(CASES) .venv/bin/python -m pytest -q tests/encoding tests/log tests/test_decoders.py

ROUNDS ?= 400
rounds: setup
	@HYPOTHESIS_MAX_EXAMPLES=$(ROUNDS) .venv/bin/python -m pytest -q -n auto tests/masking \
		-k "every_sum_opens or no_honest_client_is_named or the_sum_of_the_accepted_or_void or the_model_counts"

# uv looks at the cache-keys of pyproject.toml and builds the extension anew only when one of them changed.
setup: .venv/.fedproof-$(GROUP)
	@sh scripts/prerequisites.sh >/dev/null
	@echo "building the extension where Rust changed (the first time takes two or three minutes, and prints nothing meanwhile)"
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .

.venv/.fedproof-$(GROUP): requirements/$(GROUP).txt .venv/pyvenv.cfg
	@echo "installing the packages of $<"
	@rm -f .venv/.fedproof-*
	@$(PIP) sync --quiet --require-hashes $<
	@touch $@

.venv/pyvenv.cfg: $(UV)
	@$(UV) venv --quiet --clear --python .venv-uv/bin/python .venv

# PyTorch is a download of gigabytes that only tests/torch need, so it has an environment of its own. On a machine without room for it
# nothing is made, and the summary says that this stage was not run.
.venv-torch/.fedproof: requirements/torch.txt $(UV)
	@rm -rf .venv-torch
	@if [ "$$(df -Pk . | awk 'END { print $$4 }')" -lt $(TORCH_ROOM) ]; then \
		echo "no PyTorch: less than 12 GB are free here"; \
	else \
		echo "installing the packages of $< into .venv-torch (PyTorch: a download of 2.6 GiB, two minutes or more)" && \
		$(UV) venv --quiet --python .venv-uv/bin/python .venv-torch && \
		$(IN_TORCH) sync --quiet --require-hashes $< && \
		touch $@; \
	fi

$(UV): requirements/uv.txt
	@python=$$(sh scripts/prerequisites.sh) || exit 1; \
	echo "installing uv into .venv-uv"; \
	"$$python" -m venv --clear .venv-uv && \
	.venv-uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

format: setup
	cargo fmt --all
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

lock: $(UV)
	$(COMPILE) pyproject.toml --group dev --extra demo --extra data --extra flower --extra mlflow --extra tensorboard -o requirements/dev.txt
	$(COMPILE) pyproject.toml --group build --extra demo -c requirements/dev.txt -o requirements/demo.txt
	$(COMPILE) pyproject.toml -c requirements/dev.txt -o requirements/base.txt
	$(COMPILE) pyproject.toml --group dev --extra demo --extra data --extra flower --extra mlflow --extra tensorboard --extra torch \
		-c requirements/dev.txt -o requirements/torch.txt
	$(COMPILE) --group uv -o requirements/uv.txt

clean:
	rm -rf .venv .venv-uv .venv-torch target dist
