"""How programs are coloured: one table of rules for Pygments and for the grammar that editors read."""
