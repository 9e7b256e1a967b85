; Definitions
(class) @def.class
(module) @def.module
(method) @def.method
(singleton_method) @def.method
(alias) @def.method
(assignment left: [(constant) (scope_resolution)]) @def.constant
; Calls that define or import are found by name among the references: see shapes.py.

(comment) @comment

; References
(call method: [(identifier) (constant)] @ref.call)
(body_statement (identifier) @ref.call)
(superclass [(constant) @ref.type (scope_resolution name: (constant) @ref.type)])
(call receiver: [(constant) @ref.type (scope_resolution name: (constant) @ref.type)])
(argument_list [(constant) @ref.type (scope_resolution name: (constant) @ref.type)])
