"""Stream processors, each thin: decode, call the pure core, publish. What they share with tests has no I/O."""
