"""Tools that build, check and measure the project; none of them runs in production."""
