"""What runs may take, and how long what waits: the numbers that places, carriers and pages share."""

from __future__ import annotations

import os

BUILD = 300.0  # seconds in which the fused kernel must have been compiled
TAKES = 300.0  # seconds in which a worker that lives must take a job: on a busy machine it may have to wait for a core
KILL_AFTER = 0.15  # seconds between the stop flag and the kill
GRACE = float(os.environ.get("LAB_GRACE", 150))  # seconds a run goes on with nobody looking; hidden tabs look every 60
AWAY = 5.0  # seconds without a look after which a run lets others go first; pages look every two at the most
PAUSED = 2  # runs whose processes may wait with what they have; a further one begins again
CHECKPOINT = 2.0  # seconds between partial Results kept in the store
REMEMBERED = 64  # finished runs kept in memory; all are in the store
REMEMBERED_BYTES = 32 * 2**20  # what they may hold together: results, figures, and weights above all
LOOK = 0.35  # seconds between looks at a worker's memory, and between a page's looks at a run
SWEEP = 600.0  # seconds between looks through all that is on disk: what is past its end, what other servers did
RUN_SECONDS = float(os.environ.get("LAB_RUN_SECONDS", 900))  # wall time a run may take
RUN_BYTES = float(os.environ.get("LAB_RUN_BYTES", 3 * 2**30))  # memory a run may take
KEPT_BYTES = RUN_BYTES / 4  # memory of earlier runs that a worker may keep; the next run begins in a fresh one
SHORT_BYTES = 2**29  # free memory of the machine below which what is paused ends
TRIES = 3  # workers in a row that must fail to start before a run fails with them
LOSSES = 3  # times a cluster may lose a run's process or node before the run fails
MOMENT = 1.0  # seconds; what is predicted to be shorter has a place of its own
OUTGROWN = 2.0  # seconds of processor time after which it gives that place up
WORTH = 2.0  # seconds of predicted time below which a run is not cut: every part begins anew
PAYS = 0.8  # of the predicted time that the longest part of a run may take, else it stays whole
