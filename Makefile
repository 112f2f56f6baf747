# make demo     topology.yaml -> out/, and a look at it
# make test     everything that CI runs: programs that judge the output, lint, tests
# make lint     style and types
# make golden   write anew what tests expect; read `git diff` before committing it
# make docs     write anew what docs/ says of checks and keys, and its picture
# make soak     random damaged networks in the kernel beside verify's verdict: 230,000 flows, about 50 minutes
# make bench    how fast it is, against references measured in the same run
# make clean    remove what these made, but never out/

VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip --disable-pip-version-check --no-input install --quiet
TESTS :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test programs lint golden docs soak bench clean

help:
	@sed -n 's/^# //p; /^$$/q' Makefile

# A stamp is older than pyproject.toml when the requirements may have changed.
$(VENV)/netwright.stamp: pyproject.toml .ci/make-venv
	@$(PYTHON) -c 'import pip' 2>/dev/null || .ci/make-venv $(VENV)
	@$(PIP) --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/netwright.stamp
	@$(PIP) --editable '.[dev]'
	@touch $@

demo: $(VENV)/netwright.stamp
	@echo '$$ netwright generate topology.yaml'
	@$(VENV)/bin/netwright generate topology.yaml
	@echo
	@echo "A worker's whole network (out/worker1/rootfs/etc/systemd/network/10-eth0.network):"
	@sed 's/^/    /' out/worker1/rootfs/etc/systemd/network/10-eth0.network
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
	@echo '    $(VENV)/bin/netwright check      in CI: is out/ what topology.yaml says?'

# pytest comes last, so that its closing line is the last one.
test: programs lint
	@$(PYTHON) -m pytest --quiet -rs -n auto $(TESTS)

programs:
	@tests/install-programs

lint: $(VENV)/dev.stamp
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m ruff format --check
	@$(PYTHON) -m mypy

golden: $(VENV)/dev.stamp
	@$(PYTHON) -m pytest --quiet -n auto --update tests/test_golden.py tests/graph/test_graph_golden.py
	@$(PYTHON) -m tests.test_errors
	@git status --short -- out tests/golden tests/errors tests/graph/golden

docs: $(VENV)/netwright.stamp
	@$(PYTHON) -m gen.checks_docs
	@$(PYTHON) -m gen.schema_docs
	@$(PYTHON) -m gen graph --flow ingress-to-pods -o docs/reference-network.svg

bench: $(VENV)/dev.stamp
	@$(PYTHON) -m benchmarks

soak: $(VENV)/dev.stamp
	@$(PYTHON) -m tests.verify.kernel 3700
	@$(PYTHON) -m tests.soak 500

clean:
	@rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find gen tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
