"""A constitution → ballots for people to fill in, and their votes → counts per principle."""

from gcai_ray.ballots.read import ballots_digest, read_ballots
from gcai_ray.ballots.write import write_ballot

__all__ = ["ballots_digest", "read_ballots", "write_ballot"]
