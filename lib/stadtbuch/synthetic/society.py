"""What ``synthetic.yaml`` says about households, welfare, the budget and taxes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stadtbuch.model.frozen import Frozen
from stadtbuch.texts import Text


class Households(Frozen):
    """
    How people live together.

    `children`: how many families have one, two, three or four children; `shared`: how many shared homes have
    two, three ... members; `single_parents`, `relatives`: shares of families with one adult, and with one more;
    `couples`: the share of the other adults who live in twos.
    """

    children: tuple[float, ...]
    shared: tuple[float, ...]
    single_parents: float = Field(ge=0, le=1)
    relatives: float = Field(ge=0, le=1)
    couples: float = Field(ge=0, le=1)


class Welfare(Frozen):
    """
    Who receives minimum income benefits.

    The share of each borough stands with the borough; `young` and `old` say how much more often children, and
    how much less often old people receive them; `spread` how much quarters of a borough differ.
    """

    young: float
    old: float
    spread: float


class Product(Frozen):
    """One product of the budget: euros per head and year, spent and taken in."""

    code: str
    title: str
    expense: float = 0
    income: float = 0


class Area(Frozen):
    """One product area of the budget."""

    code: str
    title: Text
    products: tuple[Product, ...]


class Budget(Frozen):
    """
    The budget: years, the last year that is closed, yearly growth, and how far plan and result differ.

    `base` is the year whose prices the euros per head are in.
    """

    first_year: int
    last_year: int
    closed_year: int
    base: int
    growth: float
    deviation: float
    areas: tuple[Area, ...]


class Branch(Frozen):
    """
    One branch of the economy: how many companies belong to it, how large they are beside others, words for their
    names.
    """

    code: str
    weight: float = Field(gt=0)
    size: float = Field(gt=0)
    words: tuple[str, ...] = Field(min_length=1)


class Taxes(Frozen):
    """
    Trade tax.

    `companies`: how many pay per resident; `per_head`: euros per resident in the last of the `years`; `growth`: per
    year; `spread`: how much companies differ; `change`: how much one differs from year to year; `pausing`: the share
    that pays nothing in a year; `settled`: the share that pays more after the year; `forms`: endings of names.
    """

    years: tuple[int, ...] = Field(min_length=1)
    companies: float = Field(gt=0)
    per_head: float = Field(gt=0)
    growth: float
    spread: float = Field(gt=0)
    change: float = Field(gt=0)
    pausing: float = Field(ge=0, le=1)
    settled: float = Field(ge=0, le=1)
    forms: tuple[str, ...] = Field(min_length=1)
    branches: tuple[Branch, ...] = Field(min_length=2)


class Dominant(Frozen):
    """The company that pays most of its branch: who knows the branch's sum knows what it paid."""

    name: str
    branch: str
    borough: str
    share: float = Field(gt=0.5, lt=1)


class LargeHousehold(Frozen):
    """The only household of its size, in the quarter of a borough that has most children."""

    borough: str
    size: int
    children: int


class SmallCount(Frozen):
    """The one small count of a district: from the district's sum the others can be taken away."""

    district: str
    recipients: int
    minimum: int


class BudgetLine(Frozen):
    """One line of the budget, by year, product and kind."""

    year: int
    product: str
    kind: Literal["income", "expense"]


class BudgetTraps(Frozen):
    """
    What is wrong in the budget.

    `sign`: expenses booked with the wrong sign; `sums`: sums of product areas that are wrong by so many euros;
    `shifted`: a planned amount with the comma one place off.
    """

    sign: tuple[BudgetLine, ...]
    wrong_sum: BudgetLine
    wrong_by: int
    shifted: BudgetLine
    zero: BudgetLine
    reversal: BudgetLine
