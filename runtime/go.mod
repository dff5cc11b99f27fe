module goward.dev/runtime

go 1.24
