"""The modules of this project as syntax trees: what they import, and where they read the environment."""

import ast
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}


@dataclass(frozen=True, slots=True)
class Source:
    """One module: its dotted name, and whether it is a package, which relative imports start from."""

    name: str
    tree: ast.Module
    is_package: bool = False

    @classmethod
    def read(cls, path: Path) -> "Source":
        """The module of a file below the root."""
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        return cls(".".join(parts[:-1] if is_package else parts), ast.parse(path.read_text(), str(path)), is_package)

    def imports(self) -> set[str]:
        """Every module that is imported anywhere in this one, in functions and for annotations too.

        `from a import b` counts as `a.b`, since `b` may be a module.
        """
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                found |= {f"{base}.{alias.name}" for alias in node.names}
        return found

    def reads_environment(self) -> bool:
        """Whether it uses `os.environ` or its like, under whatever name, or lets a command's options read variables."""
        aliases = [alias for node in ast.walk(self.tree) if isinstance(node, ast.Import) for alias in node.names]
        names = {alias.asname or "os" for alias in aliases if lies_in(alias.name, "os")}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module == "os" and any(alias.name in {*_ENVIRONMENT, "*"} for alias in node.names):
                return True
            if isinstance(node, ast.Attribute) and node.attr in _ENVIRONMENT and ast.unparse(node.value) in names:
                return True
            if isinstance(node, ast.keyword) and node.arg == "envvar":
                return True
        return False

    def calls(self) -> list[str]:
        """What is called, as it is written: `open`, `datetime.now`."""
        return [ast.unparse(node.func) for node in ast.walk(self.tree) if isinstance(node, ast.Call)]

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        kept = parts[: len(parts) - node.level + self.is_package]
        return ".".join([*kept, *([node.module] if node.module else [])])


def sources(package: str) -> list[Source]:
    """All modules of a package. Never none."""
    found = [Source.read(path) for path in sorted((ROOT / package).rglob("*.py"))]
    assert found, package
    return found


def lies_in(module: str, *packages: str) -> bool:
    """Whether a module is one of these packages or lies below one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)
