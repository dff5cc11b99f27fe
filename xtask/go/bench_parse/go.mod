module goward.dev/xtask/bench_parse

go 1.26
