; Definitions
(function_declaration) @def.function
(method_declaration) @def.method
(type_spec) @def.type
(type_alias) @def.type
(method_elem) @def.method
(field_declaration name: (_)) @def.property
(source_file (const_declaration (const_spec) @def.constant))
(source_file (var_declaration (var_spec) @def.variable))
(source_file (var_declaration (var_spec_list (var_spec) @def.variable)))

(type_declaration . [(type_spec) (type_alias)] .) @wrap
(const_declaration . (const_spec) .) @wrap
(var_declaration . (var_spec) .) @wrap
(comment) @comment

; References
(call_expression function: [(identifier) @ref.call (selector_expression field: (field_identifier) @ref.call)])
(call_expression function: (type_instantiation_expression type: (type_identifier) @ref.call))
(type_identifier) @ref.type

(import_spec) @import
