module goward.dev/xtask/unicode_tables

go 1.26
