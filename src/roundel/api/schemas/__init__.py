"""What goes over the wire: one struct per shape, and functions from views to them."""
