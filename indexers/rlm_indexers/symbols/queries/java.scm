; Definitions
(class_declaration) @def.class
(record_declaration) @def.class
(interface_declaration) @def.interface
(annotation_type_declaration) @def.interface
(enum_declaration) @def.enum
(enum_constant) @def.constant
(method_declaration) @def.method
(annotation_type_element_declaration) @def.method
(constructor_declaration) @def.method
(compact_constructor_declaration) @def.method
(field_declaration) @def.property
(constant_declaration) @def.constant

(line_comment) @comment
(block_comment) @comment

; References
(method_invocation name: (identifier) @ref.call)
(object_creation_expression type: [
  (type_identifier) @ref.call
  (generic_type (type_identifier) @ref.call)
  (scoped_type_identifier (type_identifier) @ref.call .)])
(method_reference (identifier) @ref.call .)
(annotation name: (identifier) @ref.call)
(marker_annotation name: (identifier) @ref.call)
(type_identifier) @ref.type

(import_declaration) @import
