"""gatebook import routes: a plain list, the document on standard output and the rest beside it."""

from pathlib import Path

import yaml

from admin_api.documents.files import read_file
from tests.integration.cli.conftest import Run, parsed

LIST = """\
# the pet store
get pets
- POST /pets

any /files/{proxy+}
GET /pets/:id
TRACE /pets
GET
$default
"""


def test_what_is_printed_is_a_document_and_the_rest_is_told(run: Run, folder: Path) -> None:
    (folder / "pet store.txt").write_text(LIST)
    result = run("import", "routes", "pet store.txt")
    assert result.exit_code == 1
    routes = ["GET /pets", "POST /pets", "ANY /files/{proxy+}", "GET /pets/:id", "ANY /", "ANY /{proxy+}"]
    assert yaml.safe_load(result.stdout) == {"api": "pet-store", "routes": routes}
    assert "for a parameter write `GET /pets/{id}`" in result.stderr
    assert "pet store.txt:7 `TRACE /pets`: API Gateway has no method `TRACE`" in result.stderr
    assert "pet store.txt:8 `GET` is not a method and a path" in result.stderr
    assert "2 not taken" in result.stderr
    (folder / "made.yaml").write_text(result.stdout)
    assert read_file(folder / "made.yaml")[0].parse().api == "pet-store"


def test_as_json_and_under_another_name(run: Run, folder: Path) -> None:
    (folder / "r.txt").write_text("GET /pets\n")
    assert parsed(run("import", "routes", "r.txt", "--name", "shop", "--json")) == {
        "document": {"api": "shop", "routes": ["GET /pets"]},
        "not_taken": [],
        "notes": [],
    }


def test_files_that_cannot_be_read(run: Run, folder: Path) -> None:
    (folder / "r.txt").write_bytes(b"GET /caf\xe9\n")
    result = run("import", "routes", "r.txt")
    assert (result.exit_code, "r.txt: the file is not UTF-8" in result.stderr) == (2, True)
    assert run("import", "routes", "none.txt").exit_code == 2
