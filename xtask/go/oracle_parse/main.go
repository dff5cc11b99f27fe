// Prints, for each file named on standard input, whether go/parser accepts it and a hash of its
// syntax tree: "path <tab> true|false <tab> hash". With -dump FILE, prints the tree itself.
// With -serve, reads sources, each after its length in four bytes (little-endian), and answers
// each with a byte: 1 when it is accepted, 0 when it is not.
//
// The format of a tree is that of goward_syntax::dump.
package main

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"reflect"
	"strconv"
)

type dumper struct {
	out  []byte
	base int
	iota map[ast.Spec]int
}

func (d *dumper) str(s string) { d.out = append(append(d.out, ' '), s...) }

func (d *dumper) num(n int) { d.out = strconv.AppendInt(append(d.out, ' '), int64(n), 10) }

func (d *dumper) pos(p token.Pos) { d.num(int(p) - d.base) }

func (d *dumper) bool(b bool) { d.out = strconv.AppendBool(append(d.out, ' '), b) }

func (d *dumper) fields(l *ast.FieldList) {
	if l == nil {
		d.num(0)
	} else {
		d.num(len(l.List))
	}
}

var kinds = map[reflect.Type]string{}

func (d *dumper) Visit(n ast.Node) ast.Visitor {
	switch n.(type) {
	case nil, *ast.Comment, *ast.CommentGroup:
		return nil
	case *ast.FieldList:
		return d
	}
	typ := reflect.TypeOf(n)
	kind, ok := kinds[typ]
	if !ok {
		kind = typ.Elem().Name()
		kinds[typ] = kind
	}
	d.out = append(d.out, kind...)
	d.pos(n.Pos())
	d.pos(n.End())
	switch n := n.(type) {
	case *ast.Ident:
		d.str(n.Name)
	case *ast.BasicLit:
		d.str(n.Kind.String())
	case *ast.CompositeLit:
		d.pos(n.Lbrace)
		d.pos(n.Rbrace)
	case *ast.IndexExpr:
		d.pos(n.Lbrack)
	case *ast.IndexListExpr:
		d.pos(n.Lbrack)
	case *ast.SliceExpr:
		d.bool(n.Low != nil)
		d.bool(n.High != nil)
		d.bool(n.Max != nil)
		d.bool(n.Slice3)
	case *ast.TypeAssertExpr:
		d.bool(n.Type != nil)
	case *ast.CallExpr:
		d.pos(n.Lparen)
		if n.Ellipsis.IsValid() {
			d.pos(n.Ellipsis)
		} else {
			d.str("-")
		}
		d.pos(n.Rparen)
	case *ast.UnaryExpr:
		d.str(n.Op.String())
	case *ast.BinaryExpr:
		d.str(n.Op.String())
		d.pos(n.OpPos)
	case *ast.FuncType:
		d.fields(n.TypeParams)
		d.fields(n.Params)
		d.fields(n.Results)
	case *ast.ArrayType:
		d.bool(n.Len != nil)
	case *ast.ChanType:
		d.num(int(n.Dir))
	case *ast.Field:
		d.num(len(n.Names))
		d.bool(n.Tag != nil)
	case *ast.IncDecStmt:
		d.str(n.Tok.String())
	case *ast.AssignStmt:
		d.str(n.Tok.String())
		d.pos(n.TokPos)
		d.num(len(n.Lhs))
	case *ast.BranchStmt:
		d.str(n.Tok.String())
	case *ast.IfStmt:
		d.bool(n.Init != nil)
	case *ast.CaseClause:
		d.num(len(n.List))
		d.bool(n.List == nil)
		d.pos(n.Colon)
	case *ast.CommClause:
		d.bool(n.Comm != nil)
		d.pos(n.Colon)
	case *ast.SwitchStmt:
		d.bool(n.Init != nil)
		d.bool(n.Tag != nil)
	case *ast.TypeSwitchStmt:
		d.bool(n.Init != nil)
	case *ast.ForStmt:
		d.bool(n.Init != nil)
		d.bool(n.Cond != nil)
		d.bool(n.Post != nil)
	case *ast.RangeStmt:
		if n.Tok == token.ILLEGAL {
			d.str("-")
		} else {
			d.bool(n.Key != nil)
			d.bool(n.Value != nil)
			d.str(n.Tok.String())
			d.pos(n.TokPos)
		}
	case *ast.GenDecl:
		d.str(n.Tok.String())
		for i, spec := range n.Specs {
			d.iota[spec] = i
		}
	case *ast.FuncDecl:
		d.bool(n.Recv != nil)
		d.fields(n.Recv)
		d.bool(n.Body != nil)
	case *ast.ValueSpec:
		d.num(len(n.Names))
		d.num(len(n.Values))
		d.num(d.iota[n])
	case *ast.TypeSpec:
		d.fields(n.TypeParams)
		d.bool(n.Assign.IsValid())
	}
	d.out = append(d.out, '\n')
	return d
}

const mode = parser.ParseComments | parser.SkipObjectResolution

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() {
	in := bufio.NewReader(os.Stdin)
	for {
		var length uint32
		if err := binary.Read(in, binary.LittleEndian, &length); err == io.EOF {
			return
		} else {
			check(err)
		}
		src := make([]byte, length)
		_, err := io.ReadFull(in, src)
		check(err)
		answer := []byte{0}
		if _, err := parser.ParseFile(token.NewFileSet(), "", src, mode); err == nil {
			answer[0] = 1
		}
		_, err = os.Stdout.Write(answer)
		check(err)
	}
}

func parse(path string, d *dumper) bool {
	src, err := os.ReadFile(path)
	check(err)
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, src, mode)
	if err != nil {
		return false
	}
	d.out = d.out[:0]
	d.base = int(file.FileStart)
	clear(d.iota)
	ast.Walk(d, file.Name)
	for _, decl := range file.Decls {
		ast.Walk(d, decl)
	}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			d.out = append(d.out, "Comment"...)
			d.pos(comment.Pos())
			d.out = append(d.out, '\n')
		}
	}
	return true
}

func main() {
	dump := flag.String("dump", "", "print the tree of this file")
	server := flag.Bool("serve", false, "answer sources on standard input")
	flag.Parse()
	if *server {
		serve()
		return
	}
	d := &dumper{iota: map[ast.Spec]int{}}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	if *dump != "" {
		if parse(*dump, d) {
			out.Write(d.out)
		} else {
			fmt.Fprintln(out, "rejected")
		}
		return
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		accepted := parse(in.Text(), d)
		hash := uint64(14695981039346656037)
		if accepted {
			for _, b := range d.out {
				hash = (hash ^ uint64(b)) * 1099511628211
			}
		}
		fmt.Fprintf(out, "%s\t%t\t%016x\n", in.Text(), accepted, hash)
	}
}
