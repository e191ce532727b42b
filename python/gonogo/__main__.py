"""``python -m gonogo`` is the command ``gonogo``."""

from gonogo.cli import run

if __name__ == "__main__":
    run()
