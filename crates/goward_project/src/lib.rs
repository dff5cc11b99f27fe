//! Finds Go code: modules, workspaces, vendor folders and build constraints.
