"""Kill -9 at random moments: what is left is whole, and going on ends with the same bytes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sosie.train.checkpoint import ADAPTER, NUMBERS, TENSORS

KILLS = 20
CHILD = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
import torch
torch.set_num_threads(1)
from sosie import train
from tests.train.toys import Toy, dataset, picture
folder, go = Path(sys.argv[1]), Path(sys.argv[2])
pictures = dataset(folder / "pictures", [picture(i) for i in range(12)])
config = train.TrainConfig(
    steps=150, batch=2, rank=4, learning_rate=1e-2, ema=0.9, dropout=0.1, prior_pictures=2,
    checkpoint_every=7, validate_every=10, preview_every=30,
    started=datetime(2026, 1, 1, tzinfo=UTC),
)
base, start = Toy(folder), train.train  # looked up, so that no child pays for imports
# Fork here, so that twenty processes pay once for loading torch.
import os, signal
for line in sys.stdin:
    name, delay = line.split()
    child = os.fork()
    if child == 0:
        try:
            result = start(
                pictures, base, config, folder=folder / name, consent="c" * 64, resume=True
            )
            (folder / f"{name}.txt").write_text(result.file_sha256)
        finally:
            os._exit(0)
    if float(delay):
        time.sleep(float(delay))
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print("over", flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_killed_at_random_moments_a_run_ends_with_the_same_bytes(tmp_path):
    root = Path(__file__).parents[2]
    nursery = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)},
    )

    def run(name: str, delay: float) -> None:
        nursery.stdin.write(f"{name} {delay}\n")
        nursery.stdin.flush()
        assert nursery.stdout.readline() == "over\n"

    begun = time.perf_counter()
    run("straight", 0)
    length = time.perf_counter() - begun
    source = random.Random(5)
    kills = 0
    while kills < KILLS:
        name = f"killed-{kills // 5}"
        run(name, source.uniform(0.02, 0.35) * length)
        kills += 1
        for path in (tmp_path / name / "checkpoints").glob("step-*"):
            json.loads((path / NUMBERS).read_text())
            assert {p.name for p in path.iterdir()} == {ADAPTER, TENSORS, NUMBERS}
    for i in range(KILLS // 5):
        run(f"killed-{i}", 0)
    nursery.send_signal(signal.SIGTERM)
    nursery.wait()
    straight = (tmp_path / "straight.txt").read_text()
    assert [(tmp_path / f"killed-{i}.txt").read_text() for i in range(KILLS // 5)] == [straight] * (
        KILLS // 5
    )
