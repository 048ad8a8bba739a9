"""What every made-up city decided: rules and thresholds, as they stand in its settings."""

DECISIONS = """[rules]
version = "2026.1"
reviewed = 2026-01-10
review = 2028-01-10
[thresholds.min_count]
value = 3
reason = {de = "Niemand soll eine zweite Person erkennen.", en = "Nobody shall recognise a second person."}
decided_by = "steering-group"
decided = 2026-01-10
[thresholds.min_count_sensitive]
value = 5
reason = {de = "Hier wiegt ein Schaden schwerer.", en = "Harm weighs more here."}
decided_by = "steering-group"
decided = 2026-01-10
[thresholds.solver_nodes]
value = 2000
reason = {de = "Eine Anzahl statt einer Zeit.", en = "A count instead of a time."}
decided_by = "steering-group"
decided = 2026-01-10
"""
