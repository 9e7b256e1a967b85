; Definitions
(function_item) @def.function
(function_signature_item) @def.function
(struct_item) @def.struct
(union_item) @def.union
(enum_item) @def.enum
(enum_variant) @def.constant
(trait_item) @def.trait
(type_item) @def.type
(associated_type) @def.type
(const_item) @def.constant
(static_item) @def.variable
(mod_item) @def.module
(macro_definition) @def.macro
(field_declaration) @def.property
(impl_item) @scope.impl

(line_comment) @comment
(block_comment) @comment
(attribute_item) @attribute

; References
(call_expression function: [
  (identifier) @ref.call
  (field_expression field: (field_identifier) @ref.call)
  (scoped_identifier name: (identifier) @ref.call)
  (generic_function function: [
    (identifier) @ref.call
    (field_expression field: (field_identifier) @ref.call)
    (scoped_identifier name: (identifier) @ref.call)])])
(macro_invocation macro: [(identifier) @ref.call (scoped_identifier name: (identifier) @ref.call)])
(type_identifier) @ref.type

(use_declaration) @import
