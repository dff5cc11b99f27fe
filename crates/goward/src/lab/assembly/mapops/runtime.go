package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"sort"
	"strconv"
	"strings"
)

// function is a function of the runtime that map operations compile to.
type function struct {
	File   string  `json:"file"`
	Line   int     `json:"line"`
	Checks []check `json:"checks"`
}

// check is a test on the way through such a function.
type check struct {
	// "nil" or "concurrency".
	Kind string `json:"kind"`
	// What the program sees: a panic, a fatal error, or nothing.
	Effect string `json:"effect"`
	File   string `json:"file"`
	Line   int    `json:"line"`
}

// source is the runtime's own code, with the ways by which one package names functions of another.
type source struct {
	fset    *token.FileSet
	info    map[*ast.FuncDecl]*types.Info
	decls   map[string]*ast.FuncDecl // by full name, because another package sees objects of its own
	linked  map[string]*ast.FuncDecl // by the name that a go:linkname directive gives: runtime.mapassign
	byName  map[string]*ast.FuncDecl // functions of package runtime
	strings map[string]string        // the texts of error variables
}

func runtimeFunctions(packages []*listed) map[string]*function {
	l := newLoader(packages)
	s := &source{
		fset: l.fset, info: map[*ast.FuncDecl]*types.Info{}, decls: map[string]*ast.FuncDecl{},
		linked: map[string]*ast.FuncDecl{}, byName: map[string]*ast.FuncDecl{}, strings: map[string]string{},
	}
	for _, p := range packages {
		if p.ImportPath != "runtime" && p.ImportPath != "internal/runtime/maps" {
			continue
		}
		files, info, _ := l.check(p)
		for _, file := range files {
			s.collect(p.ImportPath, file, info)
		}
	}
	functions := map[string]*function{}
	for name, decl := range s.byName {
		if !strings.HasPrefix(name, "map") && !strings.HasPrefix(name, "makemap") {
			continue
		}
		if linked := s.linked["runtime."+name]; decl.Body == nil && linked != nil {
			decl = linked
		}
		if decl.Body == nil {
			continue
		}
		functions["runtime."+name] = s.describe(decl)
	}
	for target, decl := range s.linked {
		// Functions that exist under their runtime name only by a directive.
		name, ok := strings.CutPrefix(target, "runtime.")
		if ok && strings.HasPrefix(name, "map") && functions[target] == nil && decl.Body != nil {
			functions[target] = s.describe(decl)
		}
	}
	return functions
}

// describe lists the checks on the way through a function, in the order of the files.
func (s *source) describe(decl *ast.FuncDecl) *function {
	position := s.fset.Position(decl.Pos())
	f := &function{File: position.Filename, Line: position.Line, Checks: []check{}}
	s.follow(decl, map[*ast.FuncDecl]bool{}, f)
	sort.Slice(f.Checks, func(i, j int) bool {
		a, b := f.Checks[i], f.Checks[j]
		if a.File != b.File {
			return a.File < b.File
		}
		return a.Line < b.Line
	})
	return f
}

func (s *source) collect(path string, file *ast.File, info *types.Info) {
	local := map[string]string{} // local name -> name that the directive gives
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if fields := strings.Fields(comment.Text); len(fields) == 3 && fields[0] == "//go:linkname" {
				local[fields[1]] = fields[2]
			}
		}
	}
	for _, declaration := range file.Decls {
		switch declaration := declaration.(type) {
		case *ast.FuncDecl:
			s.info[declaration] = info
			if object, ok := info.Defs[declaration.Name].(*types.Func); ok {
				s.decls[object.FullName()] = declaration
			}
			if path == "runtime" && declaration.Recv == nil {
				s.byName[declaration.Name.Name] = declaration
			}
			if target := local[declaration.Name.Name]; target != "" && declaration.Body != nil {
				s.linked[target] = declaration
			}
		case *ast.GenDecl:
			for _, spec := range declaration.Specs {
				value, ok := spec.(*ast.ValueSpec)
				if !ok || len(value.Names) != 1 || len(value.Values) != 1 {
					continue
				}
				if text, ok := literalIn(value.Values[0]); ok {
					name := path + "." + value.Names[0].Name
					if target := local[value.Names[0].Name]; target != "" {
						name = target
					}
					s.strings[name] = text
				}
			}
		}
	}
}

// literalIn returns the text of a string literal, or of one that is the only argument of a call, as
// in plainError("…").
func literalIn(e ast.Expr) (string, bool) {
	switch e := ast.Unparen(e).(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, err := strconv.Unquote(e.Value)
			return text, err == nil
		}
	case *ast.CallExpr:
		if len(e.Args) == 1 {
			return literalIn(e.Args[0])
		}
	}
	return "", false
}

// follow collects the checks of a function and of those that it calls.
func (s *source) follow(decl *ast.FuncDecl, seen map[*ast.FuncDecl]bool, f *function) {
	if seen[decl] || decl.Body == nil || len(seen) > 60 {
		return
	}
	seen[decl] = true
	info := s.info[decl]
	ast.Inspect(decl.Body, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.IfStmt:
			s.nilTest(node, info, f)
		case *ast.CallExpr:
			var name *ast.Ident
			switch callee := ast.Unparen(node.Fun).(type) {
			case *ast.Ident:
				name = callee
			case *ast.SelectorExpr:
				name = callee.Sel
			}
			if name == nil {
				return true
			}
			switch object := info.Uses[name].(type) {
			case *types.Builtin:
				if name.Name == "panic" && len(node.Args) == 1 {
					if text, ok := s.panicText(node.Args[0], info); ok && strings.Contains(text, "nil map") {
						s.add(f, "nil", "panic: "+text, node)
					}
				}
			case *types.Func:
				if name.Name == "fatal" && len(node.Args) == 1 {
					if text, ok := literalIn(node.Args[0]); ok {
						s.add(f, "concurrency", "fatal error: "+text, node)
					}
					return true
				}
				called := s.decls[object.Origin().FullName()]
				if called == nil || called.Body == nil {
					called = s.linkedTo(object)
				}
				if called != nil && s.aboutMaps(called) {
					s.follow(called, seen, f)
				}
			}
		}
		return true
	})
}

func (s *source) linkedTo(object *types.Func) *ast.FuncDecl {
	if object.Pkg() == nil {
		return nil
	}
	return s.linked[object.Pkg().Path()+"."+object.Name()]
}

// aboutMaps keeps the search out of the allocator and the rest of the runtime.
func (s *source) aboutMaps(decl *ast.FuncDecl) bool {
	file := s.fset.Position(decl.Pos()).Filename
	base := file[strings.LastIndexAny(file, `/\`)+1:]
	return strings.Contains(file, "internal/runtime/maps") || strings.HasPrefix(base, "map")
}

func (s *source) panicText(e ast.Expr, info *types.Info) (string, bool) {
	if text, ok := literalIn(e); ok {
		return text, true
	}
	if name, ok := ast.Unparen(e).(*ast.Ident); ok {
		if object := info.Uses[name]; object != nil && object.Pkg() != nil {
			text, ok := s.strings[object.Pkg().Path()+"."+object.Name()]
			return text, ok
		}
	}
	return "", false
}

// nilTest notes `if m == nil … { return … }` for a map m.
func (s *source) nilTest(node *ast.IfStmt, info *types.Info, f *function) {
	if len(node.Body.List) == 0 {
		return
	}
	if _, ok := node.Body.List[len(node.Body.List)-1].(*ast.ReturnStmt); !ok {
		return
	}
	found := false
	ast.Inspect(node.Cond, func(inner ast.Node) bool {
		comparison, ok := inner.(*ast.BinaryExpr)
		if !ok || comparison.Op != token.EQL {
			return true
		}
		if name, ok := ast.Unparen(comparison.Y).(*ast.Ident); ok && name.Name == "nil" {
			if t := info.Types[comparison.X].Type; t != nil {
				text := t.String()
				found = found || strings.HasSuffix(text, "maps.Map") || strings.HasSuffix(text, "runtime.hmap")
			}
		}
		return true
	})
	if found {
		s.add(f, "nil", "nothing happens, as for an empty map", node)
	}
}

func (s *source) add(f *function, kind, effect string, node ast.Node) {
	position := s.fset.Position(node.Pos())
	for _, c := range f.Checks {
		if c.Kind == kind && c.File == position.Filename && c.Line == position.Line {
			return
		}
	}
	f.Checks = append(f.Checks, check{kind, effect, position.Filename, position.Line})
}
