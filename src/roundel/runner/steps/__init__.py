"""What each kind of step becomes: a process in the sandbox, or a sentence why not."""
