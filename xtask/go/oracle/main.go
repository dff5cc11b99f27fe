// Command oracle prints what go/types knows of each package that the arguments name, and of their
// dependencies: one line a fact, packages in dependency order, the lines of a package sorted.
// `cargo xtask oracle` compares them with the facts of goward.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// listed is what `go list` tells of a package.
type listed struct {
	ImportPath, Dir, Export string
	CompiledGoFiles         []string
	ImportMap               map[string]string
	Standard                bool
	Module                  *struct{ GoVersion string }
}

func main() {
	log.SetFlags(0)
	arch := flag.String("arch", "amd64", "GOARCH of the sizes")
	quiet := flag.Bool("quiet", false, "check only, print no facts (to measure go/types)")
	flag.Parse()

	packages, err := list(flag.Args())
	if err != nil {
		log.Fatal(err)
	}
	exports := map[string]string{}
	for _, p := range packages {
		exports[p.ImportPath] = p.Export
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer out.Flush()
	var parse, check time.Duration
	lines := 0
	for _, p := range packages {
		if p.ImportPath == "unsafe" {
			continue
		}
		d := &dumper{fset: token.NewFileSet()}
		start := cpu()
		for _, name := range p.CompiledGoFiles {
			if !filepath.IsAbs(name) {
				name = filepath.Join(p.Dir, name)
			}
			src, err := os.ReadFile(name)
			if err != nil || !strings.HasSuffix(name, ".go") {
				continue
			}
			file, err := parser.ParseFile(d.fset, name, src, parser.SkipObjectResolution|parser.ParseComments)
			if err != nil {
				log.Printf("%s: %v", p.ImportPath, err)
				continue
			}
			lines += strings.Count(string(src), "\n")
			d.files = append(d.files, file)
		}
		parse += cpu() - start
		start = cpu()
		d.check(p, exports, *arch)
		check += cpu() - start
		fmt.Fprintf(out, "= %s\n", p.ImportPath)
		if !*quiet {
			for _, line := range d.dump() {
				out.WriteString(line)
				out.WriteByte('\n')
			}
		}
	}
	fmt.Fprintf(os.Stderr, "go/types: %d lines, parse %.2f CPU s, check %.2f CPU s\n", lines, parse.Seconds(), check.Seconds())
}

func list(patterns []string) ([]*listed, error) {
	args := append([]string{"list", "-deps", "-export", "-compiled", "-json=ImportPath,Dir,Export,CompiledGoFiles,ImportMap,Standard,Module"}, patterns...)
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var packages []*listed
	for decoder := json.NewDecoder(pipe); ; {
		p := new(listed)
		if err := decoder.Decode(p); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
	return packages, cmd.Wait()
}

func cpu() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// dumper holds one package.
type dumper struct {
	fset  *token.FileSet
	files []*ast.File
	pkg   *types.Package
	info  *types.Info
}

func (d *dumper) check(p *listed, exports map[string]string, arch string) {
	d.info = &types.Info{
		Types:      map[ast.Expr]types.TypeAndValue{},
		Defs:       map[*ast.Ident]types.Object{},
		Uses:       map[*ast.Ident]types.Object{},
		Implicits:  map[ast.Node]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
		Instances:  map[*ast.Ident]types.Instance{},
	}
	lookup := func(path string) (io.ReadCloser, error) {
		if mapped, ok := p.ImportMap[path]; ok {
			path = mapped
		}
		file := exports[path]
		if file == "" {
			return nil, fmt.Errorf("no export data for %s", path)
		}
		return os.Open(file)
	}
	config := &types.Config{
		Importer: importer.ForCompiler(d.fset, "gc", lookup),
		Sizes:    types.SizesFor("gc", arch),
		Error:    func(err error) { log.Printf("%s: %v", p.ImportPath, err) },
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		config.GoVersion = "go" + p.Module.GoVersion
	}
	d.pkg, _ = config.Check(p.ImportPath, d.fset, d.files, d.info)
}

// dump returns the facts of the package as sorted lines.
func (d *dumper) dump() []string {
	qualifier := types.RelativeTo(d.pkg)
	var lines []string
	add := func(kind string, node ast.Node, text string) {
		start, end := d.fset.PositionFor(node.Pos(), false), d.fset.PositionFor(node.End(), false)
		lines = append(lines, fmt.Sprintf("%s:%d-%d\t%s\t%s", filepath.Base(start.Filename), start.Offset, end.Offset, kind, text))
	}
	object := func(obj types.Object) string {
		if obj == nil {
			return "-"
		}
		place := "ext"
		if obj.Pkg() == d.pkg {
			at := d.fset.PositionFor(obj.Pos(), false)
			place = fmt.Sprintf("%s:%d", filepath.Base(at.Filename), at.Offset)
		}
		return asWritten(types.ObjectString(obj, qualifier)) + " @" + place
	}
	for expr, tv := range d.info.Types {
		text := "?"
		if tv.Type != nil {
			text = asWritten(types.TypeString(tv.Type, qualifier))
		}
		add("T", expr, mode(tv)+"\t"+text)
	}
	for id, obj := range d.info.Defs {
		add("D", id, object(obj))
	}
	for id, obj := range d.info.Uses {
		add("U", id, object(obj))
	}
	for node, obj := range d.info.Implicits {
		add("I", node, object(obj))
	}
	for expr, s := range d.info.Selections {
		add("S", expr, fmt.Sprint(int(s.Kind()), " ", s.Index(), " ", s.Indirect(), " ", types.TypeString(s.Recv(), qualifier), " ", asWritten(types.TypeString(s.Type(), qualifier))))
	}
	for id, instance := range d.info.Instances {
		add("G", id, asWritten(types.TypeString(instance.Type, qualifier)))
	}
	slices.Sort(lines)
	return lines
}

func mode(tv types.TypeAndValue) string {
	switch {
	case tv.IsVoid():
		return "void"
	case tv.IsType():
		return "type"
	case tv.IsBuiltin():
		return "builtin"
	case tv.Value != nil:
		return "const=" + tv.Value.ExactString()
	case tv.IsNil():
		return "nil"
	case tv.HasOk():
		return "commaok"
	case tv.Addressable():
		return "var"
	}
	return "value"
}

// asWritten takes out the names that the compiler gives to the unnamed results of functions that
// can be inlined, and writes into export data: #rv1, #rv2, … Package go/types prints them, though
// the source has none.
func asWritten(text string) string {
	const first = "(#rv1 "
	for {
		start := strings.Index(text, first)
		if start < 0 {
			return resultName.ReplaceAllString(text, "")
		}
		inner, depth, several := start+len(first), 0, false
		end := inner
		for ; end < len(text) && (depth > 0 || text[end] != ')'); end++ {
			switch text[end] {
			case '(', '[', '{':
				depth++
			case ')', ']', '}':
				depth--
			case ',':
				several = several || depth == 0
			}
		}
		if several || end == len(text) {
			text = text[:start+1] + text[inner:]
		} else {
			text = text[:start] + text[inner:end] + text[end+1:]
		}
	}
}

var resultName = regexp.MustCompile(`#rv\d+ `)
