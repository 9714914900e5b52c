"""The same numbers, faster: training without building a graph for each mini-batch.

Nothing here is needed to understand the engine. `engine.training` calls `quickest_steps`, `engine.run` calls
`one_blas_thread`, and that is all; no other module of the engine imports this package. `prepare` compiles in advance,
or two processes do so, one with `prepare_loops` and one with `prepare_callers`.
"""

from engine.fast.compiled import one_blas_thread
from engine.fast.steps import Steps, prepare, prepare_callers, prepare_loops, quickest_steps

__all__ = ["Steps", "one_blas_thread", "prepare", "prepare_callers", "prepare_loops", "quickest_steps"]
