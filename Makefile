# make demo     topology.yaml -> out/, and a look at it
# make quick    an answer in under a minute: lint, types, and tests that need neither root nor other programs
# make test     everything that CI runs: programs that judge the output, lint, tests
# make lint     style and types
# make golden   rewrite what tests expect; read `git diff` before committing it
# make docs     rewrite the pages of docs/ on checks, keys and commands, and its picture
# make man      man pages of all commands into build/man/
# make soak     random damaged networks compared with verify's verdict: in the kernel, some on machines that boot; 2 hours
# make release  all checks, then sdist, wheel, man pages, SBOM, notes and checksums into dist/
# make lock     newest versions of all libraries into locks/, with their hashes; read `git diff`
# make test-versions   a quick part of the tests with the oldest and the newest libraries that pyproject.toml allows
# make bench    how fast it is, against references measured in the same run
# make clean    remove what these made, but never out/

VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := -m pip --disable-pip-version-check --no-input install -qq
LOCKED := $(PIP) --require-hashes --requirement
# No build isolation: what builds is locked too.
EDITABLE := $(PIP) --no-deps --no-build-isolation --editable .
TESTS :=
# One more than processors: a third of the whole suite is waiting for machines that boot.
WORKERS = $(shell expr $$(nproc) + 1)
# What each library answers for: YAML, schemas, templates, addresses, the command line, the wheel.
QUICK := tests/text tests/schema tests/butane/test_dialect.py tests/targets tests/test_golden.py tests/test_errors.py \
    tests/commands/test_cli_commands.py tests/commands/test_cli_help.py tests/test_packaging.py
# The lab boots the machines with the host's programs, whatever the libraries are.
QUICK += --deselect 'tests/commands/test_cli_help.py::test_examples_work[lab]'
# What needs no kernel and no judge.
NEAR := tests/test_errors.py tests/test_golden.py tests/test_imports.py tests/text tests/topology tests/plan tests/checks \
    tests/schema/test_validate.py tests/butane/test_vectors.py tests/verify/test_rules.py

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo quick test test-versions test-oldest test-newest programs lint golden docs man release lock soak bench clean

help:
	@sed -n 's/^# //p; /^$$/q' Makefile

# A stamp is older than its lock when the requirements may have changed.
$(VENV)/netwright.stamp: pyproject.toml locks/run.txt .ci/make-venv
	@echo 'Installing the libraries of locks/run.txt, and netwright itself, into $(VENV)/'
	@$(PYTHON) -c 'import pip' 2>/dev/null || .ci/make-venv $(VENV)
	@$(PYTHON) $(LOCKED) locks/run.txt
	@$(PYTHON) $(EDITABLE)
	@touch $@

$(VENV)/dev.stamp: $(VENV)/netwright.stamp locks/dev.txt
	@echo 'Installing the libraries of locks/dev.txt into $(VENV)/'
	@$(PYTHON) $(LOCKED) locks/dev.txt
	@touch $@

$(VENV)/oldest.stamp: $(VENV)/netwright.stamp locks/oldest.txt
	@echo 'Installing the libraries of locks/oldest.txt into $(VENV)/oldest/'
	@.ci/make-venv $(VENV)/oldest
	@$(VENV)/oldest/bin/python $(LOCKED) locks/oldest.txt
	@$(VENV)/oldest/bin/python $(EDITABLE)
	@touch $@

demo: $(VENV)/netwright.stamp
	@echo '$$ netwright generate topology.yaml'
	@$(VENV)/bin/netwright generate topology.yaml
	@echo
	@echo "A worker's whole network (out/worker1/rootfs/etc/systemd/network/10-eth0.network):"
	@sed 's/^/    /' out/worker1/rootfs/etc/systemd/network/10-eth0.network
	@echo
	@echo "A load balancer's routes (out/lb1/rootfs/etc/sysconfig/network-scripts/route-eth0):"
	@sed 's/^/    /' out/lb1/rootfs/etc/sysconfig/network-scripts/route-eth0
	@echo
	@echo 'How the KVM host reaches the pods (out/kvm/libvirt/kube02.xml):'
	@grep '<route' out/kvm/libvirt/kube02.xml | sed 's/^/  /'
	@echo
	@echo 'Why the last of these lines is there:'
	@line=$$(grep -n '<route' out/kvm/libvirt/kube02.xml | tail -n 1 | cut -d : -f 1); \
	    echo "\$$ netwright explain out/kvm/libvirt/kube02.xml:$$line"; \
	    $(VENV)/bin/netwright explain out/kvm/libvirt/kube02.xml:$$line
	@echo
	@echo 'What is left to a person (out/router/handoff.md):'
	@grep 'ip route' out/router/handoff.md | sed 's/^ */    /'
	@echo
	@echo 'Next: change topology.yaml, then'
	@echo '    $(VENV)/bin/netwright diff       what that changes, node by node'
	@echo '    $(VENV)/bin/netwright generate   write it'
	@echo '    $(VENV)/bin/netwright verify     prove that every flow works'
	@echo '    $(VENV)/bin/netwright check      in CI: is out/ up to date with topology.yaml?'

quick: lint
	@$(PYTHON) -m pytest --quiet -n auto $(NEAR)

# pytest comes last, so that its closing line is the last one.
test: programs
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint test-oldest
	@$(PYTHON) -m pytest --quiet -rs -n $(WORKERS) --maxschedchunk 32 $(TESTS)

test-versions: test-oldest test-newest

test-oldest: $(VENV)/oldest.stamp
	@$(VENV)/oldest/bin/python -m pytest --quiet -n auto $(QUICK)

# The newest change from day to day: installed each time, and locked nowhere.
test-newest: $(VENV)/netwright.stamp
	@echo 'Installing the newest libraries that pyproject.toml allows into $(VENV)/newest/'
	@.ci/make-venv $(VENV)/newest
	@$(VENV)/newest/bin/python $(PIP) --editable '.[test]'
	@$(VENV)/newest/bin/python -m pytest --quiet -n auto $(QUICK)

programs:
	@tests/install-programs

lint: $(VENV)/dev.stamp
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m ruff format --check
	@$(PYTHON) -m mypy

golden: $(VENV)/dev.stamp
	@$(PYTHON) -m pytest --quiet -n auto --update tests/test_golden.py tests/test_errors.py tests/graph/test_graph_golden.py tests/report/test_report.py tests/test_readme.py
	@git status --short -- README.md docs out examples tests/golden tests/errors tests/graph/golden tests/report/golden

lock:
	@.ci/lock

docs: $(VENV)/netwright.stamp
	@$(PYTHON) -m netwright.tools.checks_docs
	@$(PYTHON) -m netwright.tools.schema_docs
	@$(PYTHON) -m netwright.tools.commands_docs
	@$(PYTHON) -m netwright graph --flow ingress-to-pods -o docs/reference-network.svg

man: $(VENV)/netwright.stamp
	@$(PYTHON) -m netwright.tools.man_pages

release: test
	@.ci/release

bench: $(VENV)/dev.stamp
	@$(PYTHON) -m benchmarks

soak: $(VENV)/dev.stamp
	@$(PYTHON) -m pytest --quiet --hypothesis-profile=adventurous tests/write/test_stability.py tests/schema tests/text tests/butane tests/flows tests/graph
	@$(PYTHON) -m tests.verify.kernel 3700
	@$(PYTHON) -m tests.soak 500
	@$(PYTHON) -m tests.soak --emulated 100
	@$(PYTHON) -m tests.soak --boot 100

clean:
	@rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find gen tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
