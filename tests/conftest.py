"""How hard Hypothesis tries: 100 examples, or as many as `make fuzz` asks for."""

import os

from hypothesis import settings

settings.register_profile(
    "asked", max_examples=int(os.environ.get("HYPOTHESIS_MAX_EXAMPLES", "100")), deadline=None
)
settings.load_profile("asked")
