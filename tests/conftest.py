"""What holds for every rung of the ladder."""

from hypothesis import HealthCheck, settings

# How long an example takes says something about the machine, not about the code: a fresh clone builds its tables first.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
