"""What citizens send in: received as inert bytes, inspected, re-run in a sandbox, decided by a person, shown."""
