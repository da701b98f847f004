"""Programs that figures are set beside: fetched once, kept apart from the engine, never a dependency of it."""
