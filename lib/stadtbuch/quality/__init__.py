"""How good data are: each criterion a number with a unit; what was not measured is said."""
