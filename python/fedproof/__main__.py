"""`python -m fedproof` is `fedproof`."""

from fedproof.cli import main

if __name__ == "__main__":
    main()
