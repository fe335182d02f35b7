"""Config text to compiled config and plan.  Pure and offline; orbs come by a port."""
