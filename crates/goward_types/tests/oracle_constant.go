// Evaluates programs on constants with go/constant; the oracle of tests/constant_oracle.rs.
//
// Reads one program a line from standard input: tokens in postfix order, separated by spaces.
// Prints for each the facts about the value on top of the stack, separated by tabs. An operation
// that panics because of a division by zero pushes an unknown value; any other panic is printed and
// makes the oracle disagree.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"go/constant"
	"go/token"
	"math"
	"os"
	"strconv"
	"strings"
)

var literals = map[byte]token.Token{
	'i': token.INT, 'f': token.FLOAT, 'm': token.IMAG, 'c': token.CHAR, 's': token.STRING,
}

var binary = map[string]token.Token{
	"+": token.ADD, "-": token.SUB, "*": token.MUL, "/": token.QUO, "//": token.QUO_ASSIGN,
	"%": token.REM, "&": token.AND, "|": token.OR, "^": token.XOR, "&^": token.AND_NOT,
	"&&": token.LAND, "||": token.LOR,
}

var comparison = map[string]token.Token{
	"==": token.EQL, "!=": token.NEQ, "<": token.LSS, "<=": token.LEQ, ">": token.GTR, ">=": token.GEQ,
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer out.Flush()
	for {
		line, err := in.ReadString('\n')
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			fmt.Fprintln(out, evaluate(line))
		}
		if err != nil {
			return
		}
	}
}

func evaluate(line string) (facts string) {
	defer func() {
		if problem := recover(); problem != nil {
			facts = fmt.Sprint("panic: ", problem)
		}
	}()
	var stack []constant.Value
	pop := func() constant.Value {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		return top
	}
	for _, word := range strings.Split(line, " ") {
		var value constant.Value
		letter, rest := word[0], word[1:]
		number := func() uint { n, err := strconv.ParseUint(rest, 10, 32); must(err); return uint(n) }
		op, isBinary := binary[word]
		relation, isComparison := comparison[word]
		switch {
		case isBinary:
			y := pop()
			value = binaryOp(pop(), op, y)
		case isComparison:
			y := pop()
			value = constant.MakeBool(constant.Compare(pop(), relation, y))
		case word == "neg":
			value = constant.UnaryOp(token.SUB, pop(), 0)
		case word == "plus":
			value = constant.UnaryOp(token.ADD, pop(), 0)
		case word == "not":
			value = constant.UnaryOp(token.NOT, pop(), 0)
		case word == "toint":
			value = constant.ToInt(pop())
		case word == "tofloat":
			value = constant.ToFloat(pop())
		case word == "tocomplex":
			value = constant.ToComplex(pop())
		case word == "real":
			value = constant.Real(pop())
		case word == "imag":
			value = constant.Imag(pop())
		case word == "makeimag":
			value = constant.MakeImag(pop())
		case word == "num":
			value = constant.Num(pop())
		case word == "denom":
			value = constant.Denom(pop())
		case word == "round32":
			f, _ := constant.Float32Val(pop())
			value = constant.MakeFloat64(float64(f))
		case word == "round64":
			f, _ := constant.Float64Val(pop())
			value = constant.MakeFloat64(f)
		case word == "swap":
			y := pop()
			value = pop()
			stack = append(stack, y)
		case word == "copy":
			value = stack[len(stack)-1]
		case word == "true", word == "false":
			value = constant.MakeBool(word == "true")
		case letter == '~':
			value = constant.UnaryOp(token.XOR, pop(), number())
		case letter == 'L':
			value = constant.Shift(pop(), token.SHL, number())
		case letter == 'R':
			value = constant.Shift(pop(), token.SHR, number())
		case letter == 'I':
			n, err := strconv.ParseInt(rest, 10, 64)
			must(err)
			value = constant.MakeInt64(n)
		case letter == 'U':
			n, err := strconv.ParseUint(rest, 10, 64)
			must(err)
			value = constant.MakeUint64(n)
		case letter == 'F':
			bits, err := strconv.ParseUint(rest, 16, 64)
			must(err)
			value = constant.MakeFloat64(math.Float64frombits(bits))
		case letter == 'S':
			value = constant.MakeString(decode(rest))
		default:
			kind, ok := literals[letter]
			if !ok {
				panic("unknown word " + word)
			}
			value = constant.MakeFromLiteral(decode(rest), kind, 0)
		}
		stack = append(stack, value)
	}
	return describe(pop())
}

func decode(text string) string {
	bytes, err := hex.DecodeString(text)
	must(err)
	return string(bytes)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// binaryOp gives an unknown value where go/constant panics because of a division by zero.
func binaryOp(x constant.Value, op token.Token, y constant.Value) (value constant.Value) {
	defer func() {
		if problem := recover(); problem != nil {
			if !strings.Contains(fmt.Sprint(problem), "by zero") {
				panic(problem)
			}
			value = constant.MakeUnknown()
		}
	}()
	return constant.BinaryOp(x, op, y)
}

func describe(x constant.Value) string {
	facts := []string{x.Kind().String(), x.ExactString(), x.String()}
	add := func(format string, arguments ...any) {
		facts = append(facts, fmt.Sprintf(format, arguments...))
	}
	switch x.Kind() {
	case constant.Bool:
		add("%t", constant.BoolVal(x))
	case constant.String:
		add("%x", constant.StringVal(x))
	case constant.Int:
		if n, exact := constant.Int64Val(x); exact {
			add("int64 %d", n)
		}
		if n, exact := constant.Uint64Val(x); exact {
			add("uint64 %d", n)
		}
		add("bits %d", constant.BitLen(x))
	}
	if kind := x.Kind(); kind == constant.Int || kind == constant.Float {
		f64, exact64 := constant.Float64Val(x)
		f32, exact32 := constant.Float32Val(x)
		add("%016x %t %08x %t", math.Float64bits(f64), exact64, math.Float32bits(f32), exact32)
		add("%s / %s", constant.Num(x).ExactString(), constant.Denom(x).ExactString())
	}
	if kind := x.Kind(); kind == constant.Int || kind == constant.Float || kind == constant.Complex {
		add("sign %d", constant.Sign(x))
		add("%s %s", constant.Real(x).ExactString(), constant.Imag(x).ExactString())
		for _, converted := range []constant.Value{constant.ToInt(x), constant.ToFloat(x), constant.ToComplex(x)} {
			add("%s %s", converted.Kind(), converted.ExactString())
		}
	}
	return strings.Join(facts, "\t")
}
