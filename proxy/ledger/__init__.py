"""How much of each budget is left, kept where several processes share it, and never spent twice."""
