"""Tables, repositories, read queries, migrations and blob storage."""
