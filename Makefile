.POSIX:
.PHONY: help run test lint format lock bench-start bench-article bench-kill bench-faults bench-moving bench-send bench-gifts clean

# Any Python from 3.11 on: make run PYTHON=python3.12
PYTHON ?= python3
PORT ?= 8000
ARGS ?=
READERS ?= 5000
KILLS ?= 1
ROWS ?= 200000
GIFTS ?= 20000
export PORT READERS KILLS ROWS GIFTS

WITH = $(PYTHON) -I fibrosite/bootstrap.py

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1	/p' Makefile

run: ## start the whole site on this machine: web, worker, scheduler, mail (PORT=8001 for another port)
	@$(WITH) requirements.txt -- python -m fibrosite.demo.supervisor

test: ## run the tests (ARGS="-k mailbox" for some of them)
	@$(WITH) requirements-dev.txt -- python -m pytest -n auto $(ARGS)

lint: ## check style, templates and types
	@$(WITH) requirements-dev.txt
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	git ls-files -- 'templates/*.html' | xargs .venv/bin/djade --check --target-version 5.2
	.venv/bin/mypy .

format: ## put code and templates into shape
	@$(WITH) requirements-dev.txt
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
	-git ls-files -- 'templates/*.html' | xargs .venv/bin/djade --target-version 5.2

lock: ## pin what pyproject.toml asks for, with hashes
	@$(WITH) requirements-dev.txt
	.venv/bin/uv pip compile $(LOCK) pyproject.toml --output-file requirements.txt
	.venv/bin/uv pip compile $(LOCK) pyproject.toml --extra dev --constraint requirements.txt --output-file requirements-dev.txt

LOCK = --quiet --generate-hashes --universal --python-version 3.11 --upgrade

bench-start: ## time to the first page and memory of the whole site
	@$(WITH) requirements-dev.txt -- python -m benchmarks.start

bench-article: ## CPU time of one article of 60 blocks and 80 references
	@$(WITH) requirements-dev.txt -- python -m benchmarks.article

bench-kill: ## kill -9 of the workers while a digest goes out (READERS=100000 KILLS=100)
	@$(WITH) requirements-dev.txt -- python -m benchmarks.kill

bench-faults: ## what else breaks while a digest goes out (READERS=20000)
	@$(WITH) requirements-dev.txt -- python -m benchmarks.faults

bench-moving: ## import and export of a long list on SQLite and PostgreSQL (ROWS=200000)
	@$(WITH) requirements-dev.txt -- python -m benchmarks.moving

bench-send: ## a digest to a long list: rate, CPU, memory, queries, nothing lost (READERS=1000000)
	@$(WITH) requirements-dev.txt -- python -m benchmarks.send

bench-gifts: ## webhooks of gifts by 8 clients at once, on PostgreSQL (GIFTS=20000)
	@$(WITH) requirements-dev.txt -- python -m benchmarks.gifts

clean: ## remove what was installed and what the demo wrote (all its data)
	rm -rf .venv var
