# Every command of the book; `make` alone lists them.
# The plain commands behind each, for a system without make, are in README.md.

PYTHON ?=
PORT ?= 8000
NB ?=
NAME ?=
PART ?=

RUN := .venv/bin/python
PYTHONS := python3 python python3.14 python3.13 python3.12 python3.11

.PHONY: help book pdf serve test refresh exercises bench studies ahead lock vendor environment

help: ## show this list
	@echo "Commands of this book:"; echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do printf '  make %-10s %s\n' "$$name" "$$what"; done
	@echo; echo "PYTHON=/path/to/python3.12 picks the Python that .venv is made with."

book: environment ## build the website into _build/html
	@.venv/bin/jupyter-book build . -W -n --keep-going
	@echo; echo "The book: $(CURDIR)/_build/html/index.html (make serve shows it)"

pdf: book ## print the whole book into _build/html/loss-functions.pdf, which the site then offers
	@$(RUN) -m tools.paper
	@$(MAKE) --no-print-directory book

serve: book ## build it, then show it on this machine (PORT=8000)
	@$(RUN) -m tools.serve $(PORT)

test: environment ## prove that everything holds: run every notebook, test the site in Chromium
	@$(RUN) -m tools.browser
	@$(RUN) -m tools.bubblewrap
	@$(RUN) -m pytest

refresh: environment ## run the notebooks again and store their outputs (NB=path: only that one)
	@$(RUN) -m tools.refresh $(NB)

exercises: environment ## make the exercises of their solution notebooks (NAME=01_mse: only that one)
	@$(RUN) -m grading.author.exercises $(NAME)

bench: environment ## print times, memory and sizes beside their targets (PART=site: only these)
	@$(RUN) -m tools.bench $(PART)

studies: environment ## measure again what the book says was tried, and store the tables (NAME=race: only that one)
	@$(RUN) -m tools.studies $(NAME)

ahead: ## replay notebooks and grading with the newest packages, in .venv-ahead, and print what differs
	@$(call python,tools/environment.py --ahead)
	@.venv-ahead/bin/python -m tools.ahead $(NB)

lock: ## pin requirements.txt anew from requirements.in
	@$(call python,tools/lock.py)

vendor: environment ## fetch anew what the site serves from others: KaTeX's style sheet and fonts, D3
	@$(RUN) -m tools.vendor

environment:
	@$(call python,tools/environment.py)

# A script of the standard library alone, run by whatever Python there is.
define python
for python in "$(PYTHON)" $(PYTHONS); do \
  if "$$python" -c "" 2>/dev/null; then exec "$$python" $(1) $(PYTHON); fi; \
done; \
echo "No Python found. Install Python 3.11 or newer (python.org or your system's packages)." >&2; exit 1
endef
