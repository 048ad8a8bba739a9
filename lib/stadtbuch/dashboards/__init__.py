"""Live pages for the public: a hardened Voila, and the static twin that shows the same numbers without it."""
