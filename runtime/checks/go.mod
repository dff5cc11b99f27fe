module goward.dev/runtime/checks

go 1.24

require goward.dev/runtime v0.0.0

require github.com/anishathalye/porcupine v1.3.1

replace goward.dev/runtime => ../
