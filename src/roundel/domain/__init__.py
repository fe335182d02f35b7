"""The nouns of the trade, their states, rules and ports.  Pure; standard library only."""
