"""Keeping a city's state for years: backup, restore, upgrade, tidying up."""
