module goward.dev/xtask/std_summary

go 1.26
