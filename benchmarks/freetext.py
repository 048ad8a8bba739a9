"""
How much of what names or finds people in answers to a survey is found, and how much is taken out that should stay.

Run ``python benchmarks/freetext.py``. The answers are made up from a seed (`tests/builders/answers.py`), with names
that are partly on no list. Recall is measured by what has to go: found is what is gone completely. Precision is
measured by what was taken out: right is what overlaps something that has to go.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from builders.answers import answers

from stadtbuch.privacy.freetext import finds


def measured(given: Iterable[Any]) -> dict[str, Any]:
    """Count secrets and finds; by kind, and answers in which nothing was missed."""
    there, found = Counter[str](), Counter[str]()
    taken = right = whole = texts = harmless = untouched = 0
    for answer in given:
        spans = finds(answer.text)
        gone = [any(b <= begin and end <= e for b, e, _ in spans) for begin, end, _ in answer.secrets]
        for (_, _, kind), is_gone in zip(answer.secrets, gone, strict=True):
            there[kind] += 1
            found[kind] += is_gone
        taken += len(spans)
        right += sum(any(b < end and begin < e for begin, end, _ in answer.secrets) for b, e, _ in spans)
        texts += bool(answer.secrets)
        whole += bool(answer.secrets) and all(gone)
        harmless += not answer.secrets
        untouched += not answer.secrets and not spans
    return {
        "kinds": {kind: (found[kind], there[kind]) for kind in sorted(there)},
        "recall": (sum(found.values()), sum(there.values())),
        "precision": (right, taken),
        "answers without a rest": (whole, texts),
        "harmless answers left alone": (untouched, harmless),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--number", type=int, default=20_000, help="of answers")
    parser.add_argument("--seed", type=int, default=20260115)
    given = parser.parse_args()
    drawn = list(answers(given.seed, given.number))
    begun = time.process_time()
    told = measured(drawn)
    seconds = time.process_time() - begun
    print(
        f"{given.number:,} answers, seed {given.seed}; {1000 * seconds / given.number:.2f} ms of processor each"
    )
    for name, (part, whole) in {**told.pop("kinds"), **told}.items():
        print(f"{name:<28} {part / whole:.3f}  ({part:,} of {whole:,})")


if __name__ == "__main__":
    main()
