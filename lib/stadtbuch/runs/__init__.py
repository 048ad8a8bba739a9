"""Runs: make results. Manifest, typed parameters, plan, run key, execution, provenance."""
