module goward.dev/runtime/mapbench

go 1.24

require (
	github.com/orcaman/concurrent-map/v2 v2.0.1
	github.com/puzpuzpuz/xsync/v4 v4.5.0
	goward.dev/runtime v0.0.0
)

replace goward.dev/runtime => ../
