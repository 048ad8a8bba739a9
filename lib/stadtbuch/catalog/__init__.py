"""The catalogue: what data there is, in which form, and the one place where it is read (through Intake)."""
