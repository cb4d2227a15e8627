"""Which model serves a request that leaves it open: how complex it looks, which strategy and which arm of an experiment
decide, and what was chosen."""
