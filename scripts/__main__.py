"""All commands by name, for those who have installed the wheel: `armplay collect` is `python scripts/collect.py`.

armplay train_online --steps 100
armplay collect --episodes 50 --out data/hold
armplay view play --out play.gif
"""

from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent


def main() -> None:
    """Run the script that the first argument names with the rest of them."""
    scripts = {path.stem: path for path in sorted(HOME.glob("[a-z]*.py"))}
    name, *rest = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help"):
        print("armplay COMMAND ...; armplay COMMAND --help shows its options\n")
        for each, path in scripts.items():
            about = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            print(f"  {each:13} {about.splitlines()[0]}")
        return
    if name not in scripts:
        print(f"error: {name}: unknown, known are {', '.join(scripts)}", file=sys.stderr)
        sys.exit(2)
    sys.path.insert(0, str(HOME))
    sys.argv[1:] = rest
    runpy.run_path(str(scripts[name]), run_name="__main__")


if __name__ == "__main__":
    main()
