"""Claim a job, run its steps, ship logs, keep the lease, clean up."""
