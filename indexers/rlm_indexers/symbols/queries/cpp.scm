(class_specifier body: (_)) @def.class
(namespace_definition) @def.namespace
(alias_declaration) @def.type
(concept_definition) @def.type
(field_declaration_list (declaration) @def.property)

(template_declaration) @wrap

(call_expression function: [
  (qualified_identifier) @ref.call
  (template_function name: (identifier) @ref.call)
  (field_expression field: (template_method name: (field_identifier) @ref.call))])
(new_expression type: (type_identifier) @ref.call)

(using_declaration) @import
