"""Commands that are killed, robbed of their power or of their disk, and what the next command makes of it."""
