"""The formatter: one way to write every program, with its comments and its author's choice of lines kept."""
