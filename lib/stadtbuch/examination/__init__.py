"""Examining a city: what `stadtbuch doctor` looks at. It reads, and never writes, repairs or raises."""
