"""The public pages of a city: facts gathered, pages put together, files brought up to date."""
