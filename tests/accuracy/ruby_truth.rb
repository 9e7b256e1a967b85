# Definitions by Ruby's own parser: file names on standard input, one JSON array per definition on standard output.
# Counted: classes, modules, methods, `alias` and `alias_method` of names written as symbols, wherever they stand.
require "json"

$VERBOSE = nil

def said(path, name, node)
  puts JSON.generate([path, name.to_s, node.first_lineno, node.last_lineno, ""])
end

def literal(node)
  node.children[0] if node.is_a?(RubyVM::AbstractSyntaxTree::Node) && %i[LIT SYM].include?(node.type)
end

def definition(node)
  case node.type
  when :DEFN then node.children[0]
  when :DEFS then node.children[1]
  when :CLASS, :MODULE then node.children[0].children.last
  when :ALIAS then literal(node.children[0])
  when :FCALL
    node.children[0] == :alias_method && node.children[1] ? literal(node.children[1].children[0]) : nil
  end
end

$stdin.read.split("\n").each do |path|
  begin
    root = RubyVM::AbstractSyntaxTree.parse_file(path)
  rescue SyntaxError, ArgumentError, EncodingError
    next
  end
  said(path, "", root)
  waiting = [root]
  while (node = waiting.pop)
    name = definition(node)
    said(path, name, node) if name
    waiting.concat(node.children.grep(RubyVM::AbstractSyntaxTree::Node))
  end
end
