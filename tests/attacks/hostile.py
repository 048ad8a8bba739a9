"""All hostile notebooks."""

from attacks import exhausting, inside, reaching, reading
from attacks.attack import ATTACKS, Attack, Seen

TOPICS = (reading, reaching, inside, exhausting)

__all__ = ["ATTACKS", "TOPICS", "Attack", "Seen"]
