// Definitions by TypeScript's own compiler: file names on standard input, one JSON array per definition on standard output.
// Counted: functions, methods, accessors, constructors, classes, interfaces, type aliases, enums, namespaces, and function
// expressions bound to a name by a variable, a property or an assignment to a property.
const ts = require(process.argv[2] || "typescript");
const fs = require("fs");

const FUNCTIONS = new Set([ts.SyntaxKind.ArrowFunction, ts.SyntaxKind.FunctionExpression]);
const NAMED = new Set([
  "FunctionDeclaration", "MethodDeclaration", "MethodSignature", "GetAccessor", "SetAccessor", "ClassDeclaration",
  "InterfaceDeclaration", "TypeAliasDeclaration", "EnumDeclaration", "ModuleDeclaration",
].map((name) => ts.SyntaxKind[name]));

function named(node) {
  if (NAMED.has(node.kind)) return node.name;
  if (node.kind === ts.SyntaxKind.Constructor) return node.getFirstToken ? node : undefined;
  const value = node.initializer;
  const bound = [ts.SyntaxKind.VariableDeclaration, ts.SyntaxKind.PropertyDeclaration, ts.SyntaxKind.PropertyAssignment];
  if (bound.includes(node.kind) && value && (FUNCTIONS.has(value.kind) || value.kind === ts.SyntaxKind.ClassExpression))
    return ts.isIdentifier(node.name) || ts.isPrivateIdentifier(node.name) ? node.name : undefined;
  if (node.kind === ts.SyntaxKind.BinaryExpression && node.operatorToken.kind === ts.SyntaxKind.EqualsToken)
    if (ts.isPropertyAccessExpression(node.left) && FUNCTIONS.has(node.right.kind)) return node.left.name;
  return undefined;
}

for (const file of fs.readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const text = fs.readFileSync(file, "utf8");
  const kind = file.endsWith("x") ? ts.ScriptKind.TSX : /\.[cm]?js$/.test(file) ? ts.ScriptKind.JS : ts.ScriptKind.TS;
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, kind);
  const bytes = [0]; // lines are counted by \n alone, as everywhere in this project
  const lineOf = (position) => { let low = 0, high = bytes.length; while (high - low > 1) { const m = (low + high) >> 1; if (bytes[m] <= position) low = m; else high = m; } return low + 1; };
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) === 10) bytes.push(i + 1);
  console.log(JSON.stringify([file, "", 1, 1, 0]));
  const waiting = [source];
  while (waiting.length) {
    const node = waiting.pop();
    const name = named(node);
    if (name) {
      const constructor = node.kind === ts.SyntaxKind.Constructor;
      const word = constructor ? "constructor" : ts.isComputedPropertyName(name) ? name.getText(source) : (name.text ?? name.getText(source));
      const at = constructor ? text.indexOf("constructor", node.getStart(source)) : name.getStart(source);
      const end = text.slice(0, node.end).trimEnd().length;
      console.log(JSON.stringify([file, word, lineOf(at), lineOf(Math.max(node.end - 1, 0)), source.parseDiagnostics.length]));
    }
    ts.forEachChild(node, (child) => { waiting.push(child); });
  }
}
