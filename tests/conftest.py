"""What all tests share: one thread for linear algebra, as in a worker, so that numbers are equal bit for bit."""

from __future__ import annotations

import os

from hypothesis import settings

os.environ["OMP_NUM_THREADS"] = "1"  # before torch or numpy is imported
os.environ["LAB_FUSED"] = "0"  # runs under test are slow enough to be stopped; the tests of the kernel ask for it
os.environ["LAB_GRACE"] = "600"  # nobody looks at most of these runs

settings.register_profile("lab", deadline=None, derandomize=True)  # the same examples everywhere, however slow it is
settings.load_profile("lab")
