; Definitions
(class_declaration) @def.class
(abstract_class_declaration) @def.class
(interface_declaration) @def.interface
(type_alias_declaration) @def.type
(enum_declaration) @def.enum
(enum_body (property_identifier) @def.constant)
(enum_body (string) @def.constant)
(enum_assignment) @def.constant
(internal_module) @def.namespace
(module) @def.namespace
(function_declaration) @def.function
(generator_function_declaration) @def.function
(function_signature) @def.function
(method_definition) @def.method
(method_signature) @def.method
(abstract_method_signature) @def.method
(variable_declarator name: (identifier) value: [(arrow_function) (function_expression) (generator_function)]) @def.function
(variable_declarator name: (identifier) value: (class)) @def.class
(public_field_definition value: [(arrow_function) (function_expression) (generator_function)]) @def.method
(public_field_definition value: (class)) @def.class
(public_field_definition) @def.property
(property_signature) @def.property
(pair key: (property_identifier) value: [(arrow_function) (function_expression) (generator_function)]) @def.method
(assignment_expression
  left: (member_expression property: (property_identifier))
  right: [(arrow_function) (function_expression) (generator_function)]) @def.function
(program (lexical_declaration) @def.variable)
(program (variable_declaration) @def.variable)
(export_statement (lexical_declaration) @def.variable)
(ambient_declaration [(lexical_declaration) (variable_declaration)] @def.variable)

(export_statement declaration: (_)) @wrap
(ambient_declaration) @wrap
(lexical_declaration . (variable_declarator) .) @wrap
(variable_declaration . (variable_declarator) .) @wrap
(comment) @comment
(class_body (decorator) @attribute)

; References
(call_expression function: [(identifier) @ref.call (member_expression property: (property_identifier) @ref.call)])
(new_expression constructor: [(identifier) @ref.call (member_expression property: (property_identifier) @ref.call)])
(decorator [(identifier) @ref.call (member_expression property: (property_identifier) @ref.call)])
(extends_clause value: [(identifier) @ref.type (member_expression property: (property_identifier) @ref.type)])
(type_identifier) @ref.type
(arguments (identifier) @ref.name)

(import_statement) @import
(export_statement source: (string)) @import
(variable_declarator value: (call_expression function: (identifier) @_require (#eq? @_require "require"))) @import
