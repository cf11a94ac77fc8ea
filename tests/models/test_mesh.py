"""The mesh lies on the face, and poses, eyes and mouths agree with a world that knows them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from sosie.core.errors import WeightsRefused
from sosie.models import faces, litert
from sosie.models.mesh import LEFT_EYE, OVAL, RIGHT_EYE, Mesh, find_mesh
from sosie.world import photo as world
from sosie.world.people import person


def mesh_of(rgb: faces.Picture) -> Mesh:
    return find_mesh(rgb, faces.find_faces(rgb)[0])


def drawn(seed: int, **fixed: object) -> faces.Picture:
    plain = {"view": "front view", "glasses": "none", "hat": "none", "yaw": 0.0, "pitch": 0.0}
    return world.photo(person(seed), seed=seed, size=256, age=30, **{**plain, **fixed}).picture


def five(mesh: Mesh) -> np.ndarray:
    """The mesh's answer to the detector's five points."""
    p = mesh.landmarks[:, :2]
    eyes = p[list(RIGHT_EYE)].mean(0), p[list(LEFT_EYE)].mean(0)
    return np.stack([*eyes, p[4], p[61], p[291]])


def assert_on_the_face(rgb: faces.Picture) -> None:
    face = faces.find_faces(rgb)[0]
    mesh = find_mesh(rgb, face)
    assert mesh.landmarks.shape == (468, 3)
    assert mesh.irises.shape == (2, 5, 2)
    assert mesh.presence > 0.9
    distances = np.linalg.norm(five(mesh) - face.landmarks, axis=1)
    assert distances.max() < 0.09 * face.box.width
    pupils = np.linalg.norm(mesh.irises[:, 0] - face.landmarks[:2], axis=1)
    assert max(distances[:2].max(), pupils.max()) < 0.07 * face.box.width


def test_lies_on_a_photographed_face(astronaut: faces.Picture) -> None:
    assert_on_the_face(astronaut)


def test_lies_on_drawn_faces() -> None:
    for seed in range(3):
        assert_on_the_face(drawn(seed))


def test_scales_with_the_picture(astronaut: faces.Picture) -> None:
    large = np.asarray(Image.fromarray(astronaut).resize((1024, 1024), Image.Resampling.LANCZOS))
    small, big = mesh_of(astronaut), mesh_of(large)
    assert np.abs(big.landmarks / 2 - small.landmarks)[:, :2].mean() < 1
    assert big.eyes == pytest.approx(small.eyes, abs=0.04)


def test_a_photographed_portrait_is_frontal(astronaut: faces.Picture) -> None:
    pose = mesh_of(astronaut).pose
    assert abs(pose.yaw) < 4 and abs(pose.pitch) < 5 and abs(pose.roll) < 6


@pytest.mark.parametrize("lean", [-30, 15])
def test_roll_follows_a_leaning_picture(astronaut: faces.Picture, lean: int) -> None:
    upright = mesh_of(astronaut).pose
    leaning = mesh_of(np.asarray(Image.fromarray(astronaut).rotate(-lean))).pose
    assert leaning.roll - upright.roll == pytest.approx(lean, abs=3)
    assert leaning.yaw == pytest.approx(upright.yaw, abs=3)


def test_a_mirror_turns_yaw_and_swaps_the_eyes() -> None:
    picture = drawn(4, yaw=25.0)
    mesh, mirrored = mesh_of(picture), mesh_of(np.ascontiguousarray(picture[:, ::-1]))
    assert mesh.pose.yaw == pytest.approx(-mirrored.pose.yaw, abs=3)
    assert mesh.landmarks[RIGHT_EYE[0], 0] < mesh.landmarks[LEFT_EYE[0], 0]
    assert mesh.eyes == pytest.approx(mirrored.eyes[::-1], abs=0.06)


def test_pose_agrees_with_the_world() -> None:
    turns = [(-40, 0), (-25, 12), (-10, -12), (0, 0), (0, 15), (10, -15), (25, 8), (40, 0)]
    errors = []
    for seed, (yaw, pitch) in enumerate(turns):
        pose = mesh_of(drawn(seed + 10, yaw=float(yaw), pitch=float(pitch))).pose
        errors.append((abs(pose.yaw - yaw), abs(pose.pitch - pitch)))
    yaw_error, pitch_error = np.mean(errors, axis=0)
    assert yaw_error < 3.5
    assert pitch_error < 6


def test_closed_eyes_and_open_mouths_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(world._EXPRESSION, "serious", {"blink": 1.0})
    seeds = range(3)
    awake = [mesh_of(drawn(seed, expression="neutral")) for seed in seeds]
    asleep = [mesh_of(drawn(seed, expression="serious")) for seed in seeds]
    laughing = [mesh_of(drawn(seed, expression="laughing")) for seed in seeds]
    assert min(min(mesh.eyes) for mesh in awake) > 0.22
    assert max(max(mesh.eyes) for mesh in asleep) < 0.18
    assert np.mean([m.mouth for m in laughing]) > np.mean([m.mouth for m in awake]) + 0.04


def test_nothing_there_is_said(astronaut: faces.Picture) -> None:
    face = faces.find_faces(astronaut)[0]
    noise = np.random.default_rng(0).integers(0, 256, astronaut.shape, np.uint8)
    assert find_mesh(noise, face).presence < 0.1


def test_a_face_cut_by_the_frame_is_met(astronaut: faces.Picture) -> None:
    cut = np.ascontiguousarray(astronaut[75:165, 190:260])
    mesh = mesh_of(cut)
    assert np.isfinite(mesh.landmarks).all()
    assert mesh.landmarks[list(OVAL), 1].max() > 85


def test_threads_share_the_networks(astronaut: faces.Picture) -> None:
    pictures = [astronaut, np.ascontiguousarray(astronaut[:, ::-1])] * 4
    alone = [mesh_of(picture).landmarks for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = [mesh.landmarks for mesh in pool.map(mesh_of, pictures)]
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("name", litert.PINNED)
def test_an_altered_network_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(litert.PINNED, name, "0" * 64)
    with pytest.raises(WeightsRefused, match="not the file"):
        litert.Network(name)


def test_a_missing_engine_is_named(without: Callable[[str], None]) -> None:
    without("ai_edge_litert")
    with pytest.raises(WeightsRefused, match=r"not installed.*ai-edge-litert"):
        litert.Network("face_landmark")


def test_standard_error_stays_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    litert.Network("selfie_segmentation")
    assert capfd.readouterr().err == ""
