module goward.dev/xtask/oracle

go 1.26
