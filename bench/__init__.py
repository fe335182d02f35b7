"""Measurements, each beside its floor: the same work done with nothing of ours in between."""
