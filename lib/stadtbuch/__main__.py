"""``python -m stadtbuch`` is the same as ``stadtbuch``."""

import sys

from stadtbuch.cli.start import main

if __name__ == "__main__":
    sys.exit(main())
