// Definitions by Go's own parser: file names on standard input, one JSON array per definition on standard output.
// Counted: functions, methods, type specifications wherever they stand, and methods of interfaces.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
)

func receiver(field *ast.FieldList) string {
	if field == nil || len(field.List) == 0 {
		return ""
	}
	kind := field.List[0].Type
	for {
		switch typed := kind.(type) {
		case *ast.StarExpr:
			kind = typed.X
		case *ast.ParenExpr:
			kind = typed.X
		case *ast.IndexExpr:
			kind = typed.X
		case *ast.IndexListExpr:
			kind = typed.X
		case *ast.Ident:
			return typed.Name + "."
		default:
			return ""
		}
	}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, lines.Text(), nil, parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		say := func(name, qualname string, at, end token.Pos) {
			row, _ := json.Marshal([]any{lines.Text(), name, set.PositionFor(at, false).Line, set.PositionFor(end, false).Line, qualname})
			fmt.Fprintln(out, string(row))
		}
		say("", "", file.Package, file.Package)
		ast.Inspect(file, func(node ast.Node) bool {
			switch typed := node.(type) {
			case *ast.FuncDecl:
				say(typed.Name.Name, receiver(typed.Recv)+typed.Name.Name, typed.Name.Pos(), typed.End()-1)
			case *ast.TypeSpec:
				say(typed.Name.Name, "", typed.Name.Pos(), typed.End()-1)
			case *ast.InterfaceType:
				for _, method := range typed.Methods.List {
					for _, name := range method.Names {
						say(name.Name, "", name.Pos(), method.End()-1)
					}
				}
			}
			return true
		})
	}
}
