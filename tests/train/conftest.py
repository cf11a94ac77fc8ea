import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Toys are too small to share between threads; waiting for each other would dominate."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
