"""
Making results public: what notebooks show, the gate, immutable editions, and the page of an edition.

In a notebook: `figures`, `tables` (with `markup`, `records`, `drawing`, `palette`, `outputs`). In the parent
process: `definitions` -> `build` -> `evidence` -> `gate` (with `content`, `screening`, `values`) -> `release`
-> `editions`, and what people decide about them, `approvals` and `decisions`.
"""
