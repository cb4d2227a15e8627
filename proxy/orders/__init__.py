"""In which order a chain's targets are asked: each a pure function in a file of its own, and `orderer`."""
