"""[torch] The network, its checkpoints and its export. The running service never imports this package."""
