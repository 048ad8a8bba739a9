"""The licences a dataset can carry, with what they ask of those who use it."""

from __future__ import annotations

from dataclasses import dataclass

from stadtbuch.texts import Text, same


@dataclass(frozen=True, slots=True)
class Licence:
    """
    One licence.

    `attribution`: the source must be named. `open`: anybody may use the data for any purpose
    (opendefinition.org), so an open dataset can carry it.
    """

    title: Text
    url: str
    attribution: bool
    open: bool


NO_LICENCE = Text(de="Keine Lizenz: nicht veröffentlicht", en="No licence: not published")
"""What is said of a source that nobody else may use; withheld data carry no licence."""

LICENCES: dict[str, Licence] = {
    "dl-de/by-2-0": Licence(
        Text(
            de="Datenlizenz Deutschland – Namensnennung – Version 2.0",
            en="Data licence Germany – attribution – version 2.0",
        ),
        "https://www.govdata.de/dl-de/by-2-0",
        attribution=True,
        open=True,
    ),
    "dl-de/zero-2-0": Licence(
        Text(
            de="Datenlizenz Deutschland – Zero – Version 2.0", en="Data licence Germany – Zero – version 2.0"
        ),
        "https://www.govdata.de/dl-de/zero-2-0",
        attribution=False,
        open=True,
    ),
    "cc-by-3.0-de": Licence(
        Text(
            de="Creative Commons Namensnennung 3.0 Deutschland",
            en="Creative Commons Attribution 3.0 Germany",
        ),
        "https://creativecommons.org/licenses/by/3.0/de/",
        attribution=True,
        open=True,
    ),
    "cc-by-4.0": Licence(
        Text(
            de="Creative Commons Namensnennung 4.0 International",
            en="Creative Commons Attribution 4.0 International",
        ),
        "https://creativecommons.org/licenses/by/4.0/",
        attribution=True,
        open=True,
    ),
    "cc-by": Licence(
        Text(
            de="Creative Commons Namensnennung (ohne Angabe einer Version)",
            en="Creative Commons Attribution (no version stated)",
        ),
        "https://creativecommons.org/licenses/by/",
        attribution=True,
        open=True,
    ),
    "cc-by-sa-4.0": Licence(
        Text(
            de="Creative Commons Namensnennung – Weitergabe unter gleichen Bedingungen 4.0 International",
            en="Creative Commons Attribution-ShareAlike 4.0 International",
        ),
        "https://creativecommons.org/licenses/by-sa/4.0/",
        attribution=True,
        open=True,
    ),
    "cc0-1.0": Licence(
        Text(
            de="Creative Commons Zero 1.0 (kein Vorbehalt)",
            en="Creative Commons Zero 1.0 (no rights reserved)",
        ),
        "https://creativecommons.org/publicdomain/zero/1.0/",
        attribution=False,
        open=True,
    ),
    "odbl-1.0": Licence(
        same("Open Database License 1.0"),
        "https://opendatacommons.org/licenses/odbl/1-0/",
        attribution=True,
        open=True,
    ),
    "unlicense": Licence(same("The Unlicense"), "https://unlicense.org/", attribution=False, open=True),
    "mit": Licence(same("MIT License"), "https://opensource.org/license/mit", attribution=True, open=True),
    "cc-by-nc-4.0": Licence(
        Text(
            de="Creative Commons Namensnennung – nicht kommerziell 4.0 International",
            en="Creative Commons Attribution-NonCommercial 4.0 International",
        ),
        "https://creativecommons.org/licenses/by-nc/4.0/",
        attribution=True,
        open=False,
    ),
    "cc-by-nd-4.0": Licence(
        Text(
            de="Creative Commons Namensnennung – keine Bearbeitungen 4.0 International",
            en="Creative Commons Attribution-NoDerivatives 4.0 International",
        ),
        "https://creativecommons.org/licenses/by-nd/4.0/",
        attribution=True,
        open=False,
    ),
    "all-rights-reserved": Licence(
        Text(de="Alle Rechte vorbehalten", en="All rights reserved"), "", attribution=True, open=False
    ),
}
