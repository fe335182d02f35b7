"""Messages between server and runner, and the HTTP clients that carry them."""
