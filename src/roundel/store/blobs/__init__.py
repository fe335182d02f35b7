"""Large immutable bytes in a folder or an object store."""
