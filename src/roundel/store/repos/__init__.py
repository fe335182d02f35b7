"""One class per noun: what a transaction reads and saves."""
