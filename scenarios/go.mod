module goward.dev/scenarios

go 1.24
