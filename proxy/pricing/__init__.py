"""What a model costs: the table that ships, what the configuration says instead, and the cost of what was used."""
