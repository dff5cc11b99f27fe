module goward.dev/xtask/traceload

go 1.25
