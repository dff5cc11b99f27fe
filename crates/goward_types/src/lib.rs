//! Go constants, types, objects, scopes and the checker.
