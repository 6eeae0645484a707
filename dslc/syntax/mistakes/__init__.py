"""Wrong text and what is said of it: characters and literals, lines, expressions, items.

The classes are made when the first of them is used: a text without mistakes does not wait for them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.syntax.mistakes.expressions import (
        BareListInChain,
        ForTarget,
        GeneratorForm,
        MissingElse,
        NeedsBrackets,
        NestedNames,
        PositionalAfterKeyword,
        RepeatedName,
        SingleEquals,
        Target,
        UnaryPlus,
    )
    from dslc.syntax.mistakes.habits import (
        ArrowForm,
        BraceForm,
        BraceSuite,
        CommentForm,
        ConditionalForm,
        Declared,
        DictLiteral,
        InputsForm,
        OtherLanguage,
        QuotedName,
        SelfTarget,
        SizeForm,
        StringPrefix,
        TextAsComment,
        TrailingComma,
        TypeForm,
    )
    from dslc.syntax.mistakes.items import (
        BudgetForm,
        DefinitionForm,
        InitForm,
        LimitUnit,
        NestedItem,
        PythonHabit,
        RequireMessage,
        ReservedWord,
        StrayLine,
        Unexpected,
    )
    from dslc.syntax.mistakes.lines import (
        ElseIf,
        InPlace,
        ListLine,
        ListMark,
        MissingColon,
        MissingSuite,
        MixedBranches,
        OperatorFirst,
        SeqWithoutSuite,
        StrayBranch,
        SuiteNotSimple,
        SuiteOwner,
        TabCharacter,
        UnevenIndent,
        UnexpectedIndent,
    )
    from dslc.syntax.mistakes.nesting import TooDeep, TooHeavy, UnclosedBracket, WrongBracket
    from dslc.syntax.mistakes.text import (
        BadEscape,
        BadInterpolation,
        BadNumber,
        BadTickedName,
        FileTooLong,
        ForeignName,
        LogicalSymbol,
        LongName,
        NumberRange,
        OpenString,
        RefusedCharacter,
        SingleQuotes,
        WrongCharacter,
        ZeroSide,
    )

__all__ = [
    "ArrowForm",
    "BadEscape",
    "BadInterpolation",
    "BadNumber",
    "BadTickedName",
    "BareListInChain",
    "BraceForm",
    "BraceSuite",
    "BudgetForm",
    "CommentForm",
    "ConditionalForm",
    "Declared",
    "DefinitionForm",
    "DictLiteral",
    "ElseIf",
    "FileTooLong",
    "ForTarget",
    "ForeignName",
    "GeneratorForm",
    "InPlace",
    "InitForm",
    "InputsForm",
    "LimitUnit",
    "ListLine",
    "ListMark",
    "LogicalSymbol",
    "LongName",
    "MissingColon",
    "MissingElse",
    "MissingSuite",
    "MixedBranches",
    "NeedsBrackets",
    "NestedItem",
    "NestedNames",
    "NumberRange",
    "OpenString",
    "OperatorFirst",
    "OtherLanguage",
    "PositionalAfterKeyword",
    "PythonHabit",
    "QuotedName",
    "RefusedCharacter",
    "RepeatedName",
    "RequireMessage",
    "ReservedWord",
    "SelfTarget",
    "SeqWithoutSuite",
    "SingleEquals",
    "SingleQuotes",
    "SizeForm",
    "StrayBranch",
    "StrayLine",
    "StringPrefix",
    "SuiteNotSimple",
    "SuiteOwner",
    "TabCharacter",
    "Target",
    "TextAsComment",
    "TooDeep",
    "TooHeavy",
    "TrailingComma",
    "TypeForm",
    "UnaryPlus",
    "UnclosedBracket",
    "UnevenIndent",
    "Unexpected",
    "UnexpectedIndent",
    "WrongBracket",
    "WrongCharacter",
    "ZeroSide",
]

_HOMES = ("habits", "text", "lines", "nesting", "expressions", "items")


def __getattr__(name: str) -> object:
    if name in __all__:
        for home in _HOMES:
            found = getattr(import_module(f"{__name__}.{home}"), name, None)
            if found is not None:
                globals()[name] = found
                return found
    raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
