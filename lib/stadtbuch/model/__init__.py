"""The nouns of the product: frozen models that every room shares."""
