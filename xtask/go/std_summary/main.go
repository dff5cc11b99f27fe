// Command std_summary prints what go/types knows of every declaration of the standard library that
// an importer can see, for the system and architecture that GOOS and GOARCH say: one line each.
// `cargo xtask std-summary` compares the lines with what the summary in goward says.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// listed is what `go list` tells of a package.
type listed struct {
	ImportPath, Dir string
	GoFiles         []string
	ImportMap       map[string]string
}

func main() {
	log.SetFlags(0)
	packages, err := list()
	if err != nil {
		log.Fatal(err)
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer out.Flush()
	sizes := types.SizesFor("gc", build.Default.GOARCH)
	checked := map[string]*types.Package{"unsafe": types.Unsafe}
	left := 0
	for _, p := range packages {
		if p.ImportPath == "unsafe" {
			continue
		}
		pkg := check(p, checked, sizes)
		checked[p.ImportPath] = pkg
		for _, name := range pkg.Scope().Names() {
			object := pkg.Scope().Lookup(name)
			if _, isType := object.(*types.TypeName); !isType && !object.Exported() {
				left++
				continue
			}
			fmt.Fprintf(out, "%s\t%s\n", p.ImportPath, describe(object, sizes))
		}
	}
	fmt.Fprintf(out, "left\t%d\n", left)
}

func list() ([]*listed, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,GoFiles,ImportMap", "std")
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

func check(p *listed, checked map[string]*types.Package, sizes types.Sizes) *types.Package {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			log.Fatal(err)
		}
		files = append(files, file)
	}
	config := &types.Config{
		Importer:         sources{checked, p.ImportMap},
		Sizes:            sizes,
		IgnoreFuncBodies: true,
		// Bodies are not looked at, so imports seem to be unused.
		Error: func(error) {},
	}
	pkg, _ := config.Check(p.ImportPath, fset, files, nil)
	return pkg
}

// sources imports packages that were checked from source before.
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

// describe tells everything about an object: of a type also what it is made of, whether it can be
// compared, how large it is, and its methods.
func describe(object types.Object, sizes types.Sizes) string {
	parts := []string{types.ObjectString(object, nil)}
	switch object := object.(type) {
	case *types.Const:
		parts = append(parts, object.Val().ExactString())
	case *types.TypeName:
		typ := object.Type()
		parts = append(parts,
			"underlying "+types.TypeString(typ.Underlying(), nil),
			fmt.Sprint("comparable ", types.Comparable(typ)))
		if !generic(typ) {
			parts = append(parts, fmt.Sprint("size ", sizes.Sizeof(typ), " align ", sizes.Alignof(typ)))
		}
		if named, ok := typ.(*types.Named); ok {
			for method := range named.Methods() {
				signature := method.Signature()
				parts = append(parts, fmt.Sprintf("method %s of %q", types.ObjectString(method, nil), signature.Recv().Name()))
			}
		}
		parts = append(parts, methodSet("methods", typ), methodSet("pointer methods", types.NewPointer(typ)))
	}
	return strings.Join(parts, "\t")
}

func generic(typ types.Type) bool {
	switch typ := typ.(type) {
	case *types.Named:
		return typ.TypeParams().Len() > 0
	case *types.Alias:
		return typ.TypeParams().Len() > 0
	}
	return false
}

func methodSet(title string, typ types.Type) string {
	var lines []string
	for selection := range types.NewMethodSet(typ).Methods() {
		lines = append(lines, fmt.Sprint(types.ObjectString(selection.Obj(), nil), selection.Index(), selection.Indirect()))
	}
	slices.Sort(lines)
	return title + " " + strings.Join(lines, "; ")
}
