// Command mapops lists the map operations of Go packages with their types, and the checks that the
// runtime makes on the way of each of its map functions. goward builds it with the reader's own Go
// and runs it; it prints one JSON object.
//
// Usage: mapops GO ASSEMBLY_FILE PATTERN...
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// listed is what `go list` says of a package.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles, CgoFiles       []string
	DepOnly                 bool
	ImportMap               map[string]string
	Error                   *struct{ Err string }
}

type report struct {
	Packages   []string             `json:"packages"`
	Operations []operation          `json:"operations"`
	Runtime    map[string]*function `json:"runtime"`
	Problems   []string             `json:"problems"`
}

// operation is one map operation of the source.
type operation struct {
	Package    string `json:"package"`
	File       string `json:"file"`
	Line       int    `json:"line"`
	Column     int    `json:"column"`
	LastLine   int    `json:"last_line"`
	Function   string `json:"function"`
	Operation  string `json:"operation"`
	Expression string `json:"expression"`
	Map        string `json:"map_type"`
	Declared   string `json:"declared_type"` // the name of the map type where it has one, else as Map
	Key        string `json:"key_type"`
	Element    string `json:"element_type"`
	ClearLoop  bool   `json:"clear_loop"`
	Generic    bool   `json:"generic"`
}

func main() {
	if len(os.Args) < 4 {
		fail("usage: mapops GO ASSEMBLY_FILE PATTERN...")
	}
	goCommand, assembly, patterns := os.Args[1], os.Args[2], os.Args[3:]
	packages, err := list(goCommand, assembly, append([]string{"-gcflags=-S"}, patterns...))
	if err != nil {
		fail("%v", err)
	}
	r := &report{Operations: []operation{}, Packages: []string{}, Problems: []string{}}
	loader := newLoader(packages)
	for _, p := range packages {
		if p.DepOnly {
			continue
		}
		r.Packages = append(r.Packages, p.ImportPath)
		files, info, problems := loader.check(p)
		r.Problems = append(r.Problems, problems...)
		for _, file := range files {
			f := &finder{fset: loader.fset, info: info, pkg: p.ImportPath, out: &r.Operations, within: map[ast.Node]bool{}}
			ast.Walk(f, file)
		}
	}
	// What stands in the runtime's own source is read only when it can be: its absence hides no
	// operation.
	if packages, err := list(goCommand, "", []string{"runtime", "internal/runtime/maps"}); err == nil {
		r.Runtime = runtimeFunctions(packages)
	} else if packages, err := list(goCommand, "", []string{"runtime"}); err == nil {
		r.Runtime = runtimeFunctions(packages)
	}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		fail("%v", err)
	}
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}

// list compiles packages and lists them with their dependencies; what the compiler prints goes into
// a file.
func list(goCommand, assembly string, arguments []string) ([]*listed, error) {
	command := exec.Command(goCommand, append([]string{"list", "-export", "-deps",
		"-json=ImportPath,Dir,Export,GoFiles,CgoFiles,DepOnly,ImportMap,Error"}, arguments...)...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if assembly != "" {
		file, err := os.Create(assembly)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		command.Stderr = file
	}
	if err := command.Run(); err != nil {
		text := stderr.String()
		if assembly != "" {
			text = tail(assembly)
		}
		return nil, fmt.Errorf("%s", strings.TrimSpace(text))
	}
	var packages []*listed
	for decoder := json.NewDecoder(&stdout); ; {
		p := new(listed)
		if err := decoder.Decode(p); err == io.EOF {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
}

// tail returns the lines of a compiler's output that are no assembly.
func tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "the build failed"
	}
	var lines []string
	for _, line := range strings.Split(string(text), "\n") {
		if line != "" && !strings.HasPrefix(line, "\t0x") && !strings.HasPrefix(line, "\trel ") &&
			!strings.Contains(line, " STEXT ") && !strings.Contains(line, " SRODATA ") && !strings.Contains(line, " SDATA ") {
			lines = append(lines, line)
		}
	}
	if len(lines) > 20 {
		lines = lines[len(lines)-20:]
	}
	return strings.Join(lines, "\n")
}

type loader struct {
	fset     *token.FileSet
	exports  map[string]string
	mapped   map[string]string
	importer types.Importer
}

func newLoader(packages []*listed) *loader {
	l := &loader{fset: token.NewFileSet(), exports: map[string]string{}}
	for _, p := range packages {
		l.exports[p.ImportPath] = p.Export
	}
	l.importer = importer.ForCompiler(l.fset, "gc", func(path string) (io.ReadCloser, error) {
		file := l.exports[path]
		if file == "" {
			return nil, fmt.Errorf("no export data of %q", path)
		}
		return os.Open(file)
	})
	return l
}

func (l *loader) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	if to, ok := l.mapped[path]; ok {
		path = to
	}
	return l.importer.Import(path)
}

func (l *loader) check(p *listed) ([]*ast.File, *types.Info, []string) {
	var files []*ast.File
	var problems []string
	for _, name := range append(append([]string{}, p.GoFiles...), p.CgoFiles...) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(p.Dir, name)
		}
		file, err := parser.ParseFile(l.fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		files = append(files, file)
	}
	l.mapped = p.ImportMap
	info := &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}
	config := types.Config{Importer: l, FakeImportC: true, Error: func(err error) {
		if len(problems) < 20 {
			problems = append(problems, err.Error())
		}
	}}
	config.Check(p.ImportPath, l.fset, files, info)
	return files, info, problems
}

// finder collects the operations of one file.
type finder struct {
	fset     *token.FileSet
	info     *types.Info
	pkg      string
	out      *[]operation
	function string
	generic  bool
	// within are the expressions that an operation found before already stands for.
	within map[ast.Node]bool
}

func (f *finder) Visit(node ast.Node) ast.Visitor {
	switch node := node.(type) {
	case *ast.FuncDecl:
		inner := *f
		inner.function = node.Name.Name
		inner.generic = node.Type.TypeParams != nil
		if node.Recv != nil && len(node.Recv.List) == 1 {
			receiver := node.Recv.List[0].Type
			inner.function = receiverName(receiver) + "." + node.Name.Name
			inner.generic = strings.Contains(types.ExprString(receiver), "[")
		}
		return &inner
	case *ast.AssignStmt:
		f.assignment(node)
	case *ast.ValueSpec:
		if len(node.Names) == 2 && len(node.Values) == 1 {
			f.commaOK(node.Values[0])
		}
	case *ast.IncDecStmt:
		if index := f.mapIndex(node.X); index != nil {
			f.add("update", node, index, f.mapOf(index.X))
		}
	case *ast.RangeStmt:
		if m := f.mapOf(node.X); m != nil {
			f.add("range", node, node.X, m)
			last := &(*f.out)[len(*f.out)-1]
			last.LastLine = last.Line
			last.Expression = "range " + types.ExprString(node.X)
			if call := f.clearLoop(node); call != nil {
				last.ClearLoop = true
				f.within[call] = true
			}
		}
		for _, target := range []ast.Expr{node.Key, node.Value} {
			if target != nil {
				if index := f.mapIndex(target); index != nil {
					f.add("write", index, index, f.mapOf(index.X))
				}
			}
		}
	case *ast.CallExpr:
		f.call(node)
	case *ast.CompositeLit:
		if m := f.mapOf(node); m != nil {
			f.add("literal", node, node, m)
			last := &(*f.out)[len(*f.out)-1]
			last.Expression = "literal of " + last.Map
		}
	case *ast.IndexExpr:
		if index := f.mapIndex(node); index != nil && !f.within[node] {
			f.add("read", index, index, f.mapOf(index.X))
		}
	}
	return f
}

func receiverName(receiver ast.Expr) string {
	switch receiver := receiver.(type) {
	case *ast.StarExpr:
		return "(*" + receiverName(receiver.X) + ")"
	case *ast.IndexExpr:
		return receiverName(receiver.X)
	case *ast.IndexListExpr:
		return receiverName(receiver.X)
	}
	return types.ExprString(receiver)
}

func (f *finder) assignment(node *ast.AssignStmt) {
	if len(node.Lhs) == 2 && len(node.Rhs) == 1 {
		f.commaOK(node.Rhs[0])
	}
	for i, target := range node.Lhs {
		index := f.mapIndex(target)
		if index == nil {
			continue
		}
		m := f.mapOf(index.X)
		switch {
		case node.Tok != token.ASSIGN && node.Tok != token.DEFINE:
			f.add("update", node, index, m)
		case len(node.Lhs) == len(node.Rhs) && f.appendsTo(node.Rhs[i], index):
			f.add("append", node, index, m)
			f.within[ast.Unparen(node.Rhs[i]).(*ast.CallExpr).Args[0]] = true
		default:
			f.add("write", node, index, m)
		}
	}
}

// appendsTo recognises append(m[k], …) with the very m[k] that is assigned to.
func (f *finder) appendsTo(value ast.Expr, target *ast.IndexExpr) bool {
	call, ok := ast.Unparen(value).(*ast.CallExpr)
	if !ok || len(call.Args) == 0 || !f.builtin(call, "append") {
		return false
	}
	return types.ExprString(call.Args[0]) == types.ExprString(target)
}

func (f *finder) commaOK(value ast.Expr) {
	if index := f.mapIndex(value); index != nil {
		f.add("read with ok", index, index, f.mapOf(index.X))
	}
}

func (f *finder) builtin(call *ast.CallExpr, name string) bool {
	identifier, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok || identifier.Name != name {
		return false
	}
	_, ok = f.info.Uses[identifier].(*types.Builtin)
	return ok
}

func (f *finder) call(node *ast.CallExpr) {
	if f.within[node] || len(node.Args) == 0 {
		return
	}
	for _, name := range []string{"delete", "clear", "len", "make"} {
		if f.builtin(node, name) {
			if m := f.mapOf(node.Args[0]); m != nil {
				f.add(name, node, node, m)
			}
		}
	}
}

// clearLoop recognises `for k := range m { delete(m, k) }`, which the compiler may turn into one
// call of the runtime.
func (f *finder) clearLoop(node *ast.RangeStmt) *ast.CallExpr {
	if len(node.Body.List) != 1 || node.Key == nil {
		return nil
	}
	statement, ok := node.Body.List[0].(*ast.ExprStmt)
	if !ok {
		return nil
	}
	call, ok := statement.X.(*ast.CallExpr)
	if !ok || len(call.Args) != 2 || !f.builtin(call, "delete") ||
		types.ExprString(call.Args[0]) != types.ExprString(node.X) ||
		types.ExprString(call.Args[1]) != types.ExprString(node.Key) {
		return nil
	}
	return call
}

func (f *finder) mapIndex(e ast.Expr) *ast.IndexExpr {
	index, ok := ast.Unparen(e).(*ast.IndexExpr)
	if !ok || f.mapOf(index.X) == nil {
		return nil
	}
	return index
}

// mapOf returns the map type of an expression, also where it is a type parameter that only maps fit.
func (f *finder) mapOf(e ast.Expr) *types.Map {
	value, ok := f.info.Types[e]
	if !ok || value.Type == nil {
		return nil
	}
	return coreMap(value.Type)
}

func coreMap(t types.Type) *types.Map {
	switch u := t.Underlying().(type) {
	case *types.Map:
		return u
	case *types.Interface:
		if _, ok := types.Unalias(t).(*types.TypeParam); !ok {
			return nil
		}
		for i := 0; i < u.NumEmbeddeds(); i++ {
			switch e := u.EmbeddedType(i).(type) {
			case *types.Union:
				if e.Len() == 1 {
					return coreMap(e.Term(0).Type())
				}
			default:
				if m := coreMap(e); m != nil {
					return m
				}
			}
		}
	}
	return nil
}

// declared returns the type of the map expression of an operation as it was declared.
func (f *finder) declared(e ast.Expr) types.Type {
	switch inner := e.(type) {
	case *ast.IndexExpr:
		if f.mapOf(inner.X) != nil {
			e = inner.X
		}
	case *ast.CallExpr:
		if len(inner.Args) > 0 {
			e = inner.Args[0]
		}
	}
	if t := f.info.Types[e].Type; t != nil {
		return t
	}
	return types.Typ[types.Invalid]
}

func (f *finder) add(kind string, node ast.Node, e ast.Expr, m *types.Map) {
	start, end := f.fset.Position(node.Pos()), f.fset.Position(node.End())
	qualifier := func(p *types.Package) string {
		if p.Path() == f.pkg {
			return ""
		}
		return p.Name()
	}
	*f.out = append(*f.out, operation{
		Package: f.pkg, File: start.Filename, Line: start.Line, Column: f.fset.Position(e.Pos()).Column, LastLine: end.Line,
		Function: f.function, Operation: kind, Expression: types.ExprString(e), Generic: f.generic,
		Declared: types.TypeString(f.declared(e), qualifier),
		Map:      types.TypeString(m, qualifier), Key: types.TypeString(m.Key(), qualifier), Element: types.TypeString(m.Elem(), qualifier),
	})
	f.within[e] = true
}
