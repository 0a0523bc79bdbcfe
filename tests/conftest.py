"""What all tests share: one thread for linear algebra, as in a worker, so that numbers are equal bit for bit."""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch or numpy is imported
