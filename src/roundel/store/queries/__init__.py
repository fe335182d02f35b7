"""What the doors read: flat records, fetched by a few indexed statements."""
