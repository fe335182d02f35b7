"""`python -m roundel` is the same as `roundel`."""

from roundel.cli.main import main

if __name__ == "__main__":
    main()
