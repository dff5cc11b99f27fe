// Program world_questions answers the questions in questions/*.go with go/types and prints those
// whose answer in the file is another one.
package main

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	files, err := filepath.Glob("tests/questions/*.go")
	if err != nil || len(files) == 0 {
		fmt.Fprintln(os.Stderr, "no questions: run it in the folder of the crate")
		os.Exit(2)
	}
	count, wrong := 0, 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, file, source, parser.SkipObjectResolution)
		if err != nil {
			panic(err)
		}
		name := parsed.Name.Name
		config := types.Config{Importer: importer.Default(), Sizes: types.SizesFor("gc", "amd64")}
		pkg, err := config.Check(name, fset, []*ast.File{parsed}, nil)
		if err != nil {
			panic(err)
		}
		for line := range strings.SplitSeq(string(source), "\n") {
			rest, ok := strings.CutPrefix(line, "//= ")
			if !ok {
				continue
			}
			question, rest, _ := strings.Cut(rest, "(")
			arguments, answer, _ := strings.Cut(rest, "): ")
			count++
			if given := ask(pkg, question, strings.Split(arguments, ", ")); given != answer {
				wrong++
				fmt.Printf("%s: %s\n    but it is: %s\n", file, line, given)
			}
		}
	}
	fmt.Printf("%d of %d answers are those of go/types\n", count-wrong, count)
	if wrong > 0 {
		os.Exit(1)
	}
}

func named(pkg *types.Package, text string) types.Type {
	if base, ok := strings.CutPrefix(text, "*"); ok {
		return types.NewPointer(named(pkg, base))
	}
	return pkg.Scope().Lookup(text).Type()
}

func ask(pkg *types.Package, question string, arguments []string) string {
	sizes := types.SizesFor("gc", "amd64")
	first := named(pkg, arguments[0])
	second := func() types.Type { return named(pkg, arguments[1]) }
	switch question {
	case "type":
		return first.String()
	case "underlying":
		return first.Underlying().String()
	case "object":
		return pkg.Scope().Lookup(arguments[0]).String()
	case "identical":
		return fmt.Sprint(types.Identical(first, second()))
	case "comparable":
		return fmt.Sprint(types.Comparable(first))
	case "implements":
		return fmt.Sprint(types.Implements(first, second().Underlying().(*types.Interface)))
	case "satisfies":
		return fmt.Sprint(types.Satisfies(first, second().Underlying().(*types.Interface)))
	case "assertable":
		return fmt.Sprint(types.AssertableTo(first.Underlying().(*types.Interface), second()))
	case "lookup":
		object, index, indirect := types.LookupFieldOrMethod(first, false, pkg, arguments[1])
		switch {
		case object != nil:
			return fmt.Sprint(object, " ", index, " ", indirect)
		case index != nil:
			return fmt.Sprint("ambiguous ", index)
		case indirect:
			return "needs a pointer"
		}
		return "none"
	case "methods":
		var texts []string
		set := types.NewMethodSet(first)
		for i := range set.Len() {
			s := set.At(i)
			texts = append(texts, fmt.Sprint(s.Obj().Id(), " ", s.Index(), " ", s.Indirect()))
		}
		if texts == nil {
			return "none"
		}
		return strings.Join(texts, ", ")
	case "size":
		return fmt.Sprint(sizes.Sizeof(first), " ", sizes.Alignof(first))
	case "offsets":
		structure := first.Underlying().(*types.Struct)
		var fields []*types.Var
		for i := range structure.NumFields() {
			fields = append(fields, structure.Field(i))
		}
		return strings.Trim(fmt.Sprint(sizes.Offsetsof(fields)), "[]")
	}
	panic("unknown question " + question)
}
