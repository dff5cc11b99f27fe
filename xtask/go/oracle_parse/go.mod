module goward.dev/xtask/oracle_parse

go 1.26
