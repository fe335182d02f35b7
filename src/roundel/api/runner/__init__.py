"""The door for runners elsewhere."""
