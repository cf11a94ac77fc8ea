"""The documentation says what the code does: printed, complete, and with commands that exist."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from docs import make
from sosie.cli import VERBS, app
from sosie.core import errors

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
COMMANDS = {
    name: {option for given in command.params for option in given.opts if option.startswith("-")}
    for name, command in typer.main.get_command(app).commands.items()
}


def test_the_printed_pages_are_up_to_date(capsys):
    assert make.main(["--check"]) == 0, "a page in docs/ is stale: run `make docs`"


def test_a_stale_page_is_noticed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(make, "FOLDER", tmp_path)
    make.main([])
    stale = tmp_path / "commands.md"
    stale.write_text(make.commands().replace("--seed", "--sed"), encoding="utf-8")
    assert make.main(["--check"]) == 1
    assert make.main([]) == 0 and make.main(["--check"]) == 0


def test_every_verb_has_its_place_and_its_help_in_full():
    assert set(VERBS) == set(COMMANDS)
    page = make.commands()
    for verb, options in COMMANDS.items():
        section = page.split(f"## sosie {verb}\n")[1].split("\n## ")[0]
        assert all(option in section for option in options)
    assert "..." not in page.split("## sosie")[0].split("Commands:")[1]


@pytest.mark.parametrize("verb", VERBS)
def test_the_guide_tells_every_verb(verb):
    assert re.search(rf"\bsosie {verb}\b", GUIDE)


@pytest.mark.parametrize("page", ["README.md", "docs/guide.md"])
def test_every_command_in_the_pages_exists(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    found = 0
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] != ["sosie"]:
                continue
            found += 1
            assert words[1] in COMMANDS, line
            used = {word.partition("=")[0] for word in words[2:] if word.startswith("-")}
            assert used <= COMMANDS[words[1]], line
    assert found


def test_the_guide_tells_every_exit_code():
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", GUIDE, re.MULTILINE)}
    kinds = [errors.SosieError, *errors.SosieError.__subclasses__()]
    assert told == {0} | {kind.exit_code for kind in kinds}


def test_links_between_the_pages_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", GUIDE):
        assert (ROOT / "docs" / target).exists(), target
