"""REST: parse at the edge, call a service or a read port, render."""
