; Definitions
(class) @def.class
(module) @def.module
(method) @def.method
(singleton_method) @def.method
(alias) @def.method
(assignment left: [(constant) (scope_resolution)]) @def.constant
((call method: (identifier) @_alias arguments: (argument_list . (simple_symbol))) @def.method
  (#eq? @_alias "alias_method"))
((call method: (identifier) @_attribute arguments: (argument_list (simple_symbol))) @def.property
  (#match? @_attribute "^(attr_reader|attr_writer|attr_accessor|cattr_accessor|mattr_accessor|class_attribute)$"))

(comment) @comment

; References
(call method: [(identifier) (constant)] @ref.call)
(body_statement (identifier) @ref.call)
(superclass [(constant) @ref.type (scope_resolution name: (constant) @ref.type)])
(call receiver: [(constant) @ref.type (scope_resolution name: (constant) @ref.type)])
(argument_list [(constant) @ref.type (scope_resolution name: (constant) @ref.type)])

(call method: (identifier) @_require (#match? @_require "^(require|require_relative|load|autoload)$")) @import
