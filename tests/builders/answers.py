"""
Answers to a survey that nobody gave, with what names or finds a person marked: German and English, from a seed.

The names are drawn from lists of their own: not all first names are on the library's list, and no surname is.
Some answers name people in ways that no pattern finds; a few hold words that look like names and are none.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

FIRST = """
    Anna Mehmet Brigitte Oleksandr Thea Kasimir Fatma Jörg Wenzel Yara Hannelore Piotr Ottilie Bjarne Aylin Xaver
    Cosima Dragan Emma Levent Rosalinde Nuray Tjark Walburga Sophie Jonas Quirin Ludmilla Henrike Tarek
"""
LAST = """
    Müller Öztürk Kowalczyk Schmidt-Lüders Hagedorn Yılmaz Nowak Brüggemann Petrow Wischnewski Albrecht Tran
    Kaltwasser Demir Oberhuber Radtke Schöneberg Wolff Ahlers Bogdanow Nguyen Sommer Vogel Stein
"""
ENGLISH_FIRST = "Emily Callum Priya Oliver Niamh Grace Tariq Siobhan George Imogen Desmond Rachel"
ENGLISH_LAST = "Smith Okafor Hughes Patel MacGregor Thompson O'Neill Blackwood Carter Singh"
STREETS = (
    "Lindenstraße Mühlenweg Bahnhofstr. Rosengasse Kirchplatz Ahornallee Am_Anger Goethestraße An_der_Aue"
)
ENGLISH_STREETS = "Mill_Lane Station_Road Church_Street Oak_Avenue"

GERMAN = """
    Die Nachbarin in der {street} {house} stellt ihr Auto immer auf den Radweg.
    Frau {last} vom Amt war sehr freundlich, danke!
    Bitte rufen Sie mich an: {phone}. Mit freundlichen Grüßen, {first} {last}
    Mein Name ist {first} {last} und ich wohne seit {year} hier.
    Schreiben Sie mir an {mail}, dann schicke ich Fotos.
    Mein Nachbar {first} parkt jede Nacht vor der Feuerwehrzufahrt.
    Familie {last} aus der {street} {house} lässt den Hund frei laufen.
    Das Kennzeichen {plate} steht jeden Tag im Halteverbot.
    herr {last_small} vom bauhof kommt nie
    {first} {last} hat mir gesagt, dass der Spielplatz geschlossen wird.
    Dr. {last} behandelt meine Mutter, geb. {birth}, und der Bus hält dort nicht.
    Überweisen Sie die Rückzahlung bitte auf {iban}.
    Meine Kundennummer {customer} hat niemand gefunden.
    Ich wohne {street} {house} und höre die Bahn jede Nacht. LG {first}
    Bei {last} brennt nachts immer Licht, das stört.
    Unser Hausmeister {last} streut nicht.
    Mehr davon unter @{account} auf Instagram.
    Mit {first} aus dem zweiten Stock habe ich schon gesprochen.
    wohne in der {street_small} {house}, ganz schlimm mit dem lärm
    Die {last} aus dem Eckhaus schimpft mit den Kindern.
"""
ENGLISH = """
    My neighbour {first} parks on the cycle path every night.
    Please call me on {foreign}. Kind regards, {first} {last}
    I live at {house} {street} and the trains are loud.
    Mrs {last} from the library was very helpful.
    Mail me at {mail} for pictures.
    My name is {first} {last} and I cannot cross the road with my wheelchair.
    {first} {last} told me that the playground will be closed.
    My case number {customer} got lost.
    The {last} family next door feeds the pigeons.
    My son {first}, born on {birth}, needs a place in day care.
"""
PLAIN = """
    Mehr Bänke im Park, bitte, und mehr Schatten an den Haltestellen.
    Der Bus 12 kommt zwischen 7 und 8 Uhr immer zu spät.
    Die Bürgermeisterin sollte selbst einmal mit dem Rad fahren.
    In der Bahnhofstraße fehlt ein Zebrastreifen.
    Seit 2019 ist die Grundschule eine Baustelle, das dauert zu lange!
    Ich bin 82 Jahre alt und brauche einen Aufzug am Bahnhof.
    Die Miete ist von 650 auf 890 Euro gestiegen.
    Frau Bürgermeisterin, bitte handeln Sie.
    Der Sommer war heiß, der Wald leidet, und der Stein am Brunnen bröckelt.
    Tempo 30 auf der B 236 und der A 45 wäre gut.
    Das Freibad am See ist schön, nur die Umkleide nicht.
    Bitte mehr Angebote für Jugendliche ab 14, etwa ein Jugendzentrum.
    Mein Mann und ich fahren gern mit dem Nachtbus.
    Meine Tochter Montags zum Sport zu bringen ist ohne Bus unmöglich.
    Der Kreis hat 2024 genau 1.204 Bäume gepflanzt, Platz 3 im Land.
    More benches in the park, please.
    The number 12 bus is always late between 7 and 8.
    My husband and I love the new library.
    The Lord Mayor should ride a bike herself.
    Rent went up from 650 to 890 euros since May 2023.
    Thanks for asking!
    Danke und weiter so!
""".strip().splitlines()


@dataclass(frozen=True)
class Answer:
    """One answer, and where something stands in it that has to go: begin, end, kind."""

    text: str
    secrets: tuple[tuple[int, int, str], ...]


KINDS = {
    "first": "name", "last": "name", "last_small": "name", "street": "address", "street_small": "address",
    "phone": "contact", "foreign": "contact", "mail": "contact", "plate": "number", "iban": "number",
    "customer": "number", "birth": "birth", "account": "account",
}  # fmt: skip


def answers(seed: int, number: int) -> Iterator[Answer]:
    """Draw answers; a third of them names nobody."""
    rng = random.Random(seed)
    german, english = ([one.strip() for one in text.strip().splitlines()] for text in (GERMAN, ENGLISH))
    for _ in range(number):
        kind = rng.random()
        if kind < 1 / 3:
            yield Answer(rng.choice(PLAIN).strip(), ())
        elif kind < 0.8:
            yield _filled(rng, rng.choice(german), FIRST, LAST, STREETS)
        else:
            yield _filled(rng, rng.choice(english), ENGLISH_FIRST, ENGLISH_LAST, ENGLISH_STREETS)


def _filled(rng: random.Random, template: str, first: str, last: str, streets: str) -> Answer:
    given = _values(rng, first, last, streets)
    text, secrets = "", []
    for part in re.split(r"(\{\w+\})", template):
        name = part.strip("{}") if part.startswith("{") else ""
        value = given.get(name, part)
        if name in KINDS:
            secrets.append((len(text), len(text) + len(value), KINDS[name]))
        text += value
    return Answer(text, tuple(secrets))


def _values(rng: random.Random, first: str, last: str, streets: str) -> dict[str, str]:
    street, name = rng.choice(streets.split()).replace("_", " "), rng.choice(last.split())
    digits = "".join(rng.choices("0123456789", k=18))
    return {
        "first": rng.choice(first.split()),
        "last": name,
        "last_small": name.lower(),
        "street": street,
        "street_small": street.lower(),
        "house": str(rng.randrange(1, 200)) + rng.choice(["", "", "a", " b"]),
        "phone": rng.choice(["0221/", "0176 12", "+49 221 ", "0221 "]) + digits[:6],
        "foreign": rng.choice([f"+44 20 {digits[:4]} {digits[4:8]}", f"+44 7700 {digits[:6]}"]),
        "mail": f"{name.split()[0].lower()}.{rng.randrange(99)}@post.example",
        "plate": f"{rng.choice(['K', 'HH', 'DO', 'M'])}-{rng.choice(['AB', 'X', 'TK'])} {rng.randrange(10, 9999)}",
        "iban": f"DE{98 - int(digits + '131400') % 97:02d}{digits}",
        "customer": rng.choice(["", "K-", "AB/"]) + str(10**5 + int(digits[:6])),
        "birth": f"{rng.randrange(1, 29)}.{rng.randrange(1, 13)}.{rng.randrange(1930, 2015)}",
        "account": f"{rng.choice(first.split()).lower()}_{rng.randrange(1950, 2010)}",
        "year": str(rng.randrange(1970, 2024)),
    }  # fmt: skip
