"""
The one door to data: `City` in the lab and in the planner, `RunCity` inside a run.

Both answer the same line, ``city.load("domain.dataset")``, with the same frame: the first decides, reads and
minimises; the second reads what the first laid into the run's folder, and nothing else is there.
"""

from stadtbuch.session.city import City, Declared
from stadtbuch.session.running import RunCity
from stadtbuch.session.snapshots import Snapshot

__all__ = ["City", "Declared", "RunCity", "Snapshot"]
