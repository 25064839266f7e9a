"""The pace of work, so that whoever is turned away learns when to come back."""

import math

LONGEST_S = 600


class Pace:
    """A moving average of the seconds one piece of work takes."""

    def __init__(self, guess_s: float, lanes: int) -> None:
        self._mean_s = guess_s
        self._lanes = max(lanes, 1)

    def record(self, seconds: float) -> None:
        """Take in how long a piece of work took."""
        self._mean_s += 0.1 * (seconds - self._mean_s)

    def retry_after_s(self, ahead: int) -> int:
        """Whole seconds until half of what is ahead should be done: those who then come back find room."""
        return min(max(math.ceil(ahead / 2 * self._mean_s / self._lanes), 1), LONGEST_S)
