"""Hashes as random numbers."""

import numpy as np

from engine.hashing import HASH_STEP, mixed


def test_the_first_numbers_of_splitmix64():
    """As those of the reference implementation, https://prng.di.unimi.it/splitmix64.c, with the seed 1234567."""
    z = np.uint64(1234567) + np.arange(1, 4, dtype=np.uint64) * HASH_STEP
    assert mixed(z).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]
