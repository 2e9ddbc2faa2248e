# Dual-write as code. The logic of every command is in tools/; `make help` lists them.

STACK  ?= new-new
PYTHON ?= python3
ARGS   ?=
RUN     = @.venv/bin/python -m tools
# One command starts some ten interpreters: they share what was compiled, also where the user's shell says otherwise.
export PYTHONDONTWRITEBYTECODE =
# Through the environment, so that no name of a stack is read by the shell.
export STACK

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup setup-dev up preview refresh destroy prove emulator stop env test check bench

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile

setup:
	@$(PYTHON) tools/bootstrap.py

setup-dev:
	@$(PYTHON) tools/bootstrap.py dev

up: setup ## set up everything and bring a stack to live sync [STACK=new-new]
	$(RUN) up "$$STACK"

preview: setup ## show what `make up` would change [ARGS=--diff: the engine's own]
	$(RUN) preview "$$STACK" $(ARGS)

refresh: setup ## read everything back and name what drifted
	$(RUN) refresh "$$STACK"

destroy: setup ## delete what the stack created (needs consent, see README)
	$(RUN) destroy "$$STACK"

prove: setup ## write a row on each side and read it on the other
	$(RUN) prove "$$STACK"

emulator: setup ## serve the local tenant in the foreground
	$(RUN) emulator

stop: setup ## stop the local tenant
	$(RUN) stop

env: setup ## shell exports for the plain pulumi command, see README
	$(RUN) env "$$STACK"

test: setup-dev ## set up and run all tests [ARGS='-k name']
	$(RUN) test $(ARGS)

check: setup-dev ## format, lint, types, import contracts, generated files
	$(RUN) check

bench: setup ## measured comparisons
	@.venv/bin/python -m benchmarks $(ARGS)
