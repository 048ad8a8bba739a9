"""Run JupyterLab for a city: what ``stadtbuch lab`` starts."""

import sys

from stadtbuch.lab.start import main

main(sys.argv[1:])
