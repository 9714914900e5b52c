"""Random numbers that any thread can compute by itself: hashes of a seed and a number's position.

splitmix64: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014.
"""

from typing import Any

import numpy as np

HASH_STEP = np.uint64(0x9E3779B97F4A7C15)
"""A seed plus this, times the position from 1 on, is what `mixed` takes."""
HASH_FACTORS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def mixed(z: Any) -> Any:
    """64 random bits for each uint64: of an array, or of a number in a compiled loop."""
    z = (z ^ z >> np.uint64(30)) * HASH_FACTORS[0]
    z = (z ^ z >> np.uint64(27)) * HASH_FACTORS[1]
    return z ^ z >> np.uint64(31)
