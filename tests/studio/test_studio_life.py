"""The whole life of one subject, from the paper she signs to the receipt that nothing is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from sosie.core.errors import NotPermitted
from sosie.core.terms import ACTS
from sosie.studio import Studio
from tests.studio.household import QUICK, household

ELSEWHERE = "<lora:anna@v1:1> anna"


def test_the_whole_life_of_a_subject(base: Path, pictures: Path, tmp_path: Path) -> None:
    made, stick, status = (tmp_path / name for name in ("made", "stick", "status.json"))
    here = household(tmp_path / "here", pictures, permit=False)
    with pytest.raises(NotPermitted, match="no permission is on file"):
        here.train("anna", base=str(base), overrides=QUICK)
    given = here.consent("anna", relation="self", signed_by="Anna Weber", acts=ACTS)

    # Taught, drawn, published, and carried to somebody else.
    lora = here.train("anna", base=str(base), overrides=QUICK, device="cpu")
    assert lora.consent_sha256 == given.sha256()
    drawn = here.generate(f"<lora:{lora.name}:1> anna", base=str(base), out=made, n=1).files
    release = here.publish("anna", "v1", pictures=drawn).release
    assert [one.consent_sha256 for one in release.permissions] == [given.sha256()]
    here.push("anna@v1", str(stick))
    there = Studio(tmp_path / "there")
    there.pull(str(stick), "anna@v1")
    (theirs,) = there.generate(ELSEWHERE, base=str(base), out=tmp_path / "theirs", n=1).files
    for home, file in ((here, drawn[0]), (there, theirs)):
        found = home.verify(file)
        assert found.verdict == "as signed" and given.sha256() in str(found.said), found

    # Withdrawn: refused here at once, and there as soon as it is heard of.
    reached = here.withdraw("anna")
    assert [one.name for one in reached.adapters] == [lora.name]
    assert [one.title for one in reached.releases] == ["anna@v1"]
    assert here.verify(drawn[0]).verdict == "withdrawn"
    (carried,) = stick.rglob(release.lora.file_sha256)
    refused = (
        lambda: here.train("anna", base=str(base), overrides=QUICK),
        lambda: here.generate(f"<lora:{lora.name}:1> anna", base=str(base), out=made),
        lambda: here.export_adapter(lora.name, tmp_path / "out"),
        lambda: here.publish("anna", "v2"),
        lambda: here.push("anna@v1", str(tmp_path / "second")),
        lambda: here.audit(lora.name),
        lambda: here.import_adapter(carried, subject="anna"),
    )
    for act in refused:
        with pytest.raises(NotPermitted):
            act()
    assert here.releases() == ()
    here.status(status)
    assert there.verify(theirs, status=status).verdict == "withdrawn"

    # Forgotten: nothing of her is left but the record that there was a permission, and its end.
    receipt, told = here.forget("anna")
    gone = {file.file_sha256 for file in told.destroyed}
    assert lora.file_sha256 in gone and {file.file_sha256 for file in release.files} <= gone
    assert not any(here.registry.blobs.path(sha256).exists() for sha256 in gone)
    assert here.verify(receipt).verdict == "as signed"
    assert not here.show("anna").samples and here.show("anna").consents[-1].acts == ()
