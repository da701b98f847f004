"""The commands, one module a noun; `engine.cli.COMMANDS` is the table that names them.

Rule: a command parses its options, calls the engine and prints through `engine.commands.output`; what it decides is
decided elsewhere. Data goes to stdout, talk to stderr.
"""
