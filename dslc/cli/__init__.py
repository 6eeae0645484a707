"""The command line: parse options, call the compiler, print, set the exit status. Nothing is decided here.

Exit status: 0 all went well; 1 the program, its weights or a result's place is at fault; 2 the command line
is.
"""
