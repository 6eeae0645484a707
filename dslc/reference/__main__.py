"""Writes docs/layers.md with its pictures, errors.md, lints.md, python.md, coming-from.md, programs.md, the table in
numbers.md, the list of the zoo, the parser's tables, and the colours of programs: the lexer's rules and the grammar
that editors read.
"""

from dslc.reference import colours, coming, errors, layers, lints, numbers, programs, python, zoo
from dslc.syntax import shipped

shipped.write()
zoo.write()
layers.write()
errors.write()
lints.write()
python.write()
numbers.write()
coming.write()
programs.write()
colours.write()
