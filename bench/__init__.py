"""Benchmarks: each module prints a table of figures measured in one run.

`python -m bench` runs all of them; `python -m bench NAME` one. Results are recorded, with the
machine they were measured on, in docs/benchmarks.md.
"""
