"""
Suppression and rounding: which cells go besides the unsafe ones so that nothing can be computed, and the proofs.

Sums of cells and whole numbers only, whatever the cells count. `closing` finds what to withhold, by `circuits` and
exact `cuts`; `moves` are the proofs; `audit` and `nullspace` look from outside; `solver` alone knows linear programs.
"""
