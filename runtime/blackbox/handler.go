package blackbox

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
)

var parts = []string{"meta.json", "dump.txt", "goroutine.pb.gz", "trace.out"}

// Handler serves the bundles: GET / lists them, one per line, GET /BUNDLE/FILE gives one file, and
// POST /checkpoint?label=L writes a checkpoint. Mount it beside net/http/pprof, behind the same
// protection: bundles show the inside of the program.
//
//	http.Handle("/debug/blackbox/", http.StripPrefix("/debug/blackbox", blackbox.Handler()))
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		b := running()
		if b == nil {
			http.Error(w, "blackbox: not started", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		for _, name := range bundles(b.config.Dir) {
			fmt.Fprintln(w, name)
		}
	})
	mux.HandleFunc("GET /{bundle}/{file}", func(w http.ResponseWriter, r *http.Request) {
		b := running()
		bundle, file := r.PathValue("bundle"), r.PathValue("file")
		// Only names that are there are opened, so that no path leads out of the folder.
		if b == nil || !slices.Contains(parts, file) || !slices.Contains(bundles(b.config.Dir), bundle) {
			http.NotFound(w, r)
			return
		}
		content, err := os.Open(filepath.Join(b.config.Dir, bundle, file))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		defer content.Close()
		info, err := content.Stat()
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, "", info.ModTime(), content)
	})
	mux.HandleFunc("POST /checkpoint", func(w http.ResponseWriter, r *http.Request) {
		path, err := Checkpoint(r.FormValue("label"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, filepath.Base(path))
	})
	return mux
}
