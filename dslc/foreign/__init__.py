"""Expressions of PyTorch, Keras, TensorFlow and Python, and what each is here.

For whoever resolves names, three questions, asked only where a mistake was found: they open the vocabulary's file.

- `tell.foreign(line, kind_of, file, whole)`: what is foreign in the expression of a whole line. One mistake for all
  that can be rewritten, with an edit of all of it, and one for each expression that has only words. `Told.covers` are
  the expressions that are done with. `kind_of(name)` says what a name is at the place: `tensor`, another word, or none
  of a name that nothing defines; `whole`: the expression is all of its line, so it may become a `seq:`.
- `tell.near_name(name, around, kind_of, names, file)`: proposals for a name that is unknown and not foreign: a name
  of std with the `use` it needs, a near one, or a misspelt word of another library.
- `tell.argument_help(owner, argument, call, known)`: proposals for an argument that a layer does not have.

The method of a tensor (`x.view(N, -1)`) is foreign too, although `x` is known: `foreign` answers for it.
"""
