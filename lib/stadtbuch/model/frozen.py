"""The common shape of all nouns: frozen, strict about unknown names."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value that does not change after it was made and takes no unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
