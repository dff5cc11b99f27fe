module goward.dev/xtask/traceknown

go 1.25
