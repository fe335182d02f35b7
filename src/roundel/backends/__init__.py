"""Where jobs run: process, docker, fake.  One protocol."""
