"""The HTTP doors: parse, call a use case or a reader, render."""
