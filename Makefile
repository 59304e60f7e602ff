# Every target sets itself up: all it needs is make and Python 3.11+.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p $(NEW_ENOUGH) && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
# A .venv whose Python is gone or too old is made anew.
$(shell $(BIN)/python $(NEW_ENOUGH) || rm -f $(VENV)/made $(VENV)/demo $(VENV)/ready)
SOURCES := auditor bench generate pipeline handler extractor local ops plugin policy examples tests __main__.py

export PYTHONDONTWRITEBYTECODE :=
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONWARNINGS PYTHONINSPECT

SOAK_HISTORIES ?= 20000

.PHONY: help demo bench quick test soak check generate format lock clean

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.* ## /make \1	/p' Makefile | expand -t 16

demo: $(VENV)/demo ## Deploy to the emulator, upload, overwrite, delete, show the rows
	@$(BIN)/python -m local $(FILES)

bench: $(VENV)/ready ## Measure the function beside two references; writes bench/results/
	@# uv leaves bytecode to the first import; in Lambda boto3 has its own.
	@$(BIN)/python -m compileall -q -x pulumi_aws $(VENV)/lib
	$(BIN)/python -m bench
	$(BIN)/python -m bench.cost --write docs/cost.md
	$(BIN)/python -m bench.extraction --write docs/cost.md

quick: $(VENV)/ready ## Every test that needs no emulator and no other process
	@# Some tests wait for sockets, so three workers keep two cores busy.
	@$(BIN)/python -m pytest -q -n 3 --dist worksteal -m "not (emulator or processes or pulumi or aws)" $(PYTEST_ARGS)

test: check ## make check, then every test with branch coverage
	@# Tests wait half of the time, so four workers keep two cores busy.
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder --cov $(PYTEST_ARGS)

soak: $(VENV)/ready ## The model's large bounds, 20,000 histories, the fault matrix, a thousand extractions, 20,000 objects
	$(BIN)/python -m pytest -n 2 -rP tests/handler/test_protocol.py tests/handler/test_convergence.py \
		tests/extractor/test_convergence.py tests/handler/test_signature.py tests/handler/test_answers.py tests/stack/test_faults.py tests/stack/test_extraction.py tests/ops/test_large.py --soak --histories $(SOAK_HISTORIES) --objects 20000 --listed 100000

check: $(VENV)/ready ## Format, lint, types, generated files, and GitHub's workflows
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/python -m mypy
	$(BIN)/python -m generate --check
	$(BIN)/zizmor -q --offline --no-progress --pedantic --strict-collection .github
	$(BIN)/python -m check_jsonschema -q --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/python -m check_jsonschema -q --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/python -m check_jsonschema -q --builtin-schema vendor.github-actions .github/actions/*/action.yml

generate: $(VENV)/ready ## Write the generated files: Pulumi.yaml's keys, plugin/, docs/reference.md
	$(BIN)/python -m generate

format: $(VENV)/ready ## Format the code, and fix what the linter can fix
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

lock: $(VENV)/ready ## Pin the newest allowed versions in requirements*.txt
	$(BIN)/uv pip compile -q --universal --no-emit-index-url pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --universal --no-emit-index-url --python-version 3.11 \
		-c requirements.txt --group dev pyproject.toml -o requirements-dev.txt
	$(BIN)/uv pip compile -q --universal --no-emit-index-url --python-version 3.11 \
		-c requirements-dev.txt --group demo pyproject.toml -o requirements-demo.txt
	$(BIN)/uv pip compile -q --universal --no-emit-index-url --python-version 3.11 \
		-c requirements-dev.txt --group pyproject.toml:ops -o requirements-ops.txt
	(grep '^pulumi==' requirements.txt; echo pulumi-policy) | $(BIN)/uv pip compile -q --universal \
		--no-emit-index-url --python-version 3.11 --no-annotate --no-header \
		- -o policy/requirements.txt

clean: ## Remove .venv, caches, and what pip and Pulumi build
	rm -rf $(VENV) */.venv examples/*/.venv examples/*/sdks examples/*/node_modules \
		examples/*/package-lock.json build *.egg-info .coverage .hypothesis .mypy_cache .pytest_cache \
		.ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/demo: requirements-demo.txt
$(VENV)/ready: requirements-dev.txt
$(VENV)/demo $(VENV)/ready: | $(VENV)/made
	@echo "Installing $< into $(VENV), once"
	@# After an install that was killed, files may be missing of packages that look installed.
	@test -e $@.pid && ! kill -0 $$(cat $@.pid) 2>/dev/null && again=yes; echo $$$$ > $@.pid; \
	$(BIN)/uv pip install -q $${again:+--reinstall} --system-certs --python $(BIN)/python -r $< 2>/dev/null \
		|| $(BIN)/python -m pip install -q $${again:+--force-reinstall} --disable-pip-version-check -r $<
	@rm $@.pid && touch $@

# uv installs in seconds, pip in a minute. Without a wheel of uv, or if uv gets no answer, pip installs.
$(VENV)/made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer must be on the PATH, got none" >&2; exit 1; }
	@$(PYTHON) $(NEW_ENOUGH) || { echo "PYTHON must be Python 3.11 or newer, got $(PYTHON)" >&2; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $$($(BIN)/python $(NEW_ENOUGH) || echo --clear) $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --no-deps --only-binary :all: \
		-c requirements-dev.txt uv || echo "No uv here: pip takes about a minute"
	@touch $@
