"""What experiments share: random numbers, data, networks, optimizers."""
