"""How what is public came about, for everybody who asks: computing editions again, and comparing them."""
