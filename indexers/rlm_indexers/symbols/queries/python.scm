; Definitions. A captured node is a definition; names.py knows where its name stands. `wrap`: belongs to the span.
(class_definition) @def.class
(function_definition) @def.function
(module (expression_statement (assignment left: (identifier)) @def.variable))
(class_definition body: (block (expression_statement (assignment left: (identifier)) @def.property)))
(type_alias_statement) @def.type

(decorated_definition definition: (_)) @wrap

; References
(call function: [(identifier) @ref.call (attribute attribute: (identifier) @ref.call)])
(decorator [(identifier) @ref.call (attribute attribute: (identifier) @ref.call)])
(class_definition superclasses: (argument_list [(identifier) @ref.type (attribute attribute: (identifier) @ref.type)]))
(type [(identifier) @ref.type (attribute attribute: (identifier) @ref.type)])
(type (generic_type (identifier) @ref.type))
(type (subscript value: [(identifier) @ref.type (attribute attribute: (identifier) @ref.type)]))
(argument_list (identifier) @ref.name)
(keyword_argument value: (identifier) @ref.name)

(import_statement) @import
(import_from_statement) @import
