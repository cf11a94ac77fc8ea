"""The made-up shelf of the benchmark holds what the registry would have filed."""

from bench import catalogue, shelf
from sosie.registry import Registry
from sosie.registry.labels import Wanted, labels_of
from sosie.studio import Studio


def test_the_made_up_shelf_is_as_if_filed_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(shelf, "RELEASES", 40)
    monkeypatch.setattr(shelf, "RELEASES_OF_A_SUBJECT", 10)
    monkeypatch.setattr(shelf, "EVENTS", 3_000)
    shelf.build(tmp_path)
    with Registry.open(tmp_path) as registry:
        assert catalogue._wrong_sums(registry) == 0
        releases = [shelved.release for shelved in registry.releases.all()]
        rows = registry._db.rows("SELECT release, label FROM release_labels")
        filed = {(row["release"], row["label"]) for row in rows}
        assert filed == {
            (number, label)
            for number, release in enumerate(releases, start=1)
            for label in labels_of(release)
        }
        downloads = sum(registry.usage.number(one.sha256(), "downloads") for one in releases)
        pictures = sum(registry.usage.number(one.sha256(), "pictures") for one in releases)
        assert downloads + pictures == 3_000 and pictures < downloads
        with registry._db.writing() as db:
            db.execute("UPDATE usage_windows SET number = number + 1 WHERE release = 1")
        assert catalogue._wrong_sums(registry) > 0
    top = Studio(tmp_path).releases(Wanted(period="month"), n=3)
    assert len(top) == 3 and top[0].number >= top[1].number >= top[2].number
