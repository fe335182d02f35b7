"""The program `roundel`, which is also `python -m roundel`."""

_INTERRUPTED = 130  # as shells say of a program that Ctrl-C ended


def main() -> None:
    """Run the command line; Ctrl-C ends it without a word, also while it is being loaded."""
    try:
        from roundel.cli.loading import loading

        with loading():
            from roundel.cli.main import main as run
        run()
    except KeyboardInterrupt:
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # said again, it would cut the end itself
        raise SystemExit(_INTERRUPTED) from None


if __name__ == "__main__":
    main()
