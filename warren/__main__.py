"""`python -m warren` is the command `warren`."""

from warren.cli import main

if __name__ == "__main__":
    main(prog_name="warren")
