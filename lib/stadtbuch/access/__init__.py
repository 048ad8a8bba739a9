"""Judging who may read what, and giving no more than that: pure functions of models and frames."""
