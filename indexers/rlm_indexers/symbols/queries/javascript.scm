; Definitions
(class_declaration) @def.class
(function_declaration) @def.function
(generator_function_declaration) @def.function
(method_definition) @def.method
(variable_declarator name: (identifier) value: [(arrow_function) (function_expression) (generator_function)]) @def.function
(variable_declarator name: (identifier) value: (class)) @def.class
(field_definition value: [(arrow_function) (function_expression) (generator_function)]) @def.method
(field_definition value: (class)) @def.class
(field_definition) @def.property
(pair key: (property_identifier) value: [(arrow_function) (function_expression) (generator_function)]) @def.method
(assignment_expression
  left: (member_expression property: (property_identifier))
  right: [(arrow_function) (function_expression) (generator_function)]) @def.function
(program (lexical_declaration) @def.variable)
(program (variable_declaration) @def.variable)
(program (export_statement (lexical_declaration) @def.variable))

(export_statement declaration: (_)) @wrap
(lexical_declaration . (variable_declarator) .) @wrap
(variable_declaration . (variable_declarator) .) @wrap
(comment) @comment

; References
(call_expression function: [(identifier) @ref.call (member_expression property: (property_identifier) @ref.call)])
(new_expression constructor: [(identifier) @ref.call (member_expression property: (property_identifier) @ref.call)])
(decorator [(identifier) @ref.call (member_expression property: (property_identifier) @ref.call)])
(jsx_opening_element name: [(identifier) @ref.call (member_expression property: (property_identifier) @ref.call)])
(jsx_self_closing_element name: [(identifier) @ref.call (member_expression property: (property_identifier) @ref.call)])
(class_heritage [(identifier) @ref.type (member_expression property: (property_identifier) @ref.type)])
(arguments (identifier) @ref.name)

(import_statement) @import
(export_statement source: (string)) @import
(variable_declarator value: (call_expression function: (identifier) @_require (#eq? @_require "require"))) @import
