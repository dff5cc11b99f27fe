// Command oracle prints what go/types knows of each package that the arguments name, and of their
// dependencies: one line a fact, packages in dependency order, the lines of a package sorted.
// `cargo xtask oracle` compares them with the facts of goward. With -stdin the packages are those
// given there, in the JSON form of `go list`: `cargo xtask conformance` and `bench types` do that.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// listed is what `go list` tells of a package.
type listed struct {
	ImportPath, Dir string
	CompiledGoFiles []string
	ImportMap       map[string]string
	Standard        bool
	Module          *struct{ GoVersion string }
	// What `go list` does not say, but packages on standard input may.
	FakeImportC, Silent bool
}

func main() {
	log.SetFlags(0)
	arch := flag.String("arch", "amd64", "GOARCH of the sizes")
	quiet := flag.Bool("quiet", false, "check only, print no facts (to measure go/types)")
	stdin := flag.Bool("stdin", false, "take the packages from standard input, print their errors as facts of kind E")
	rounds := flag.Int("rounds", 1, "check everything so often and tell the time of the best round")
	flag.Parse()

	var packages []*listed
	var err error
	if *stdin {
		packages, err = decode(os.Stdin)
	} else {
		packages, err = list(flag.Args())
	}
	if err != nil {
		log.Fatal(err)
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer out.Flush()
	var lines int
	var parse, check time.Duration
	for round := range *rounds {
		runtime.GC()
		l, p, c := run(packages, *arch, *quiet, *stdin, out)
		if round == 0 || c < check {
			lines, parse, check = l, p, c
		}
	}
	fmt.Fprintf(os.Stderr, "go/types: %d lines, parse %.2f CPU s, check %.3f CPU s\n", lines, parse.Seconds(), check.Seconds())
}

// run checks all packages once. It returns the number of lines and the CPU time of parsing and checking.
func run(packages []*listed, arch string, quiet, stdin bool, out *bufio.Writer) (lines int, parse, check time.Duration) {
	checked := map[string]*types.Package{"unsafe": types.Unsafe}
	for _, p := range packages {
		if p.ImportPath == "unsafe" {
			continue
		}
		d := &dumper{fset: token.NewFileSet(), keepErrors: stdin}
		start := cpu()
		for _, name := range p.CompiledGoFiles {
			if !filepath.IsAbs(name) {
				name = filepath.Join(p.Dir, name)
			}
			src, err := os.ReadFile(name)
			if err != nil || !strings.HasSuffix(name, ".go") {
				continue
			}
			file, err := parser.ParseFile(d.fset, name, src, parser.SkipObjectResolution|parser.ParseComments|parser.AllErrors)
			if stdin {
				d.syntaxErrors(name, err)
			} else if err != nil {
				log.Printf("%s: %v", p.ImportPath, err)
				continue
			}
			lines += strings.Count(string(src), "\n")
			d.files = append(d.files, file)
		}
		parse += cpu() - start
		start = cpu()
		d.check(p, checked, arch)
		check += cpu() - start
		if p.Silent || quiet {
			continue
		}
		fmt.Fprintf(out, "= %s\n", p.ImportPath)
		for _, line := range d.dump() {
			out.WriteString(line)
			out.WriteByte('\n')
		}
	}
	return lines, parse, check
}

func list(patterns []string) ([]*listed, error) {
	args := append([]string{"list", "-e", "-deps", "-compiled", "-json=ImportPath,Dir,CompiledGoFiles,ImportMap,Standard,Module"}, patterns...)
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	packages, err := decode(pipe)
	if err != nil {
		return nil, err
	}
	return packages, cmd.Wait()
}

func decode(in io.Reader) ([]*listed, error) {
	var packages []*listed
	for decoder := json.NewDecoder(in); ; {
		p := new(listed)
		if err := decoder.Decode(p); err == io.EOF {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
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
	// Lines about errors, if they are wanted.
	keepErrors bool
	errors     []string
}

func (d *dumper) syntaxErrors(name string, err error) {
	var list scanner.ErrorList
	if errors.As(err, &list) {
		for _, e := range list {
			d.errors = append(d.errors, fmt.Sprintf("%s:%d-%d\tE\t%s", filepath.Base(name), e.Pos.Offset, e.Pos.Offset, e.Msg))
		}
	}
}

func (d *dumper) typeError(path string, err error) {
	var e types.Error
	if !d.keepErrors || !errors.As(err, &e) {
		log.Printf("%s: %v", path, err)
		return
	}
	at := d.fset.PositionFor(e.Pos, false)
	message, _, _ := strings.Cut(e.Msg, "\n")
	d.errors = append(d.errors, fmt.Sprintf("%s:%d-%d\tE\t%s", filepath.Base(at.Filename), at.Offset, at.Offset, message))
}

func (d *dumper) check(p *listed, checked map[string]*types.Package, arch string) {
	d.info = &types.Info{
		Types:      map[ast.Expr]types.TypeAndValue{},
		Defs:       map[*ast.Ident]types.Object{},
		Uses:       map[*ast.Ident]types.Object{},
		Implicits:  map[ast.Node]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
		Instances:  map[*ast.Ident]types.Instance{},
	}
	config := &types.Config{
		Importer: sources{checked, p.ImportMap},
		Sizes:    types.SizesFor("gc", arch),
		Error:    func(err error) { d.typeError(p.ImportPath, err) },

		FakeImportC: p.FakeImportC,
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		config.GoVersion = "go" + p.Module.GoVersion
	}
	d.pkg, _ = config.Check(p.ImportPath, d.fset, d.files, d.info)
	checked[p.ImportPath] = d.pkg
}

// sources imports packages that were checked from source before. Export data will not do: it
// names unnamed results of functions that are inlined, and gives the methods of `type T p.Interface`
// another receiver.
type sources struct {
	checked map[string]*types.Package
	mapped  map[string]string
}

func (s sources) Import(path string) (*types.Package, error) {
	if mapped, ok := s.mapped[path]; ok {
		path = mapped
	}
	if pkg := s.checked[path]; pkg != nil {
		return pkg, nil
	}
	return nil, fmt.Errorf("no package %s", path)
}

// dump returns the facts of the package as sorted lines.
func (d *dumper) dump() []string {
	qualifier := types.RelativeTo(d.pkg)
	lines := d.errors
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
		return types.ObjectString(obj, qualifier) + " @" + place
	}
	for expr, tv := range d.info.Types {
		text := "?"
		if tv.Type != nil {
			text = types.TypeString(tv.Type, qualifier)
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
		add("S", expr, fmt.Sprint(int(s.Kind()), " ", s.Index(), " ", s.Indirect(), " ", types.TypeString(s.Recv(), qualifier), " ", types.TypeString(s.Type(), qualifier)))
	}
	for id, instance := range d.info.Instances {
		add("G", id, types.TypeString(instance.Type, qualifier))
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
