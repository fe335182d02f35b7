"""Git hosts and plain repositories: read a config at a commit, resolve a branch."""
