//! Go lexer, parser and syntax tree.
