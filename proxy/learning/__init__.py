"""What comes out of the records of usage: how each model fares, and what people and answers say of its quality."""
