; The grammar's own tags give a method the span of its class: these stand in for them.
(class_declaration) @def.class
(protocol_declaration) @def.interface
(function_declaration) @def.function
(protocol_function_declaration) @def.method
(init_declaration) @def.method
(typealias_declaration) @def.type
(associatedtype_declaration) @def.type
(deinit_declaration) @def.method
(subscript_declaration) @def.method
(macro_declaration) @def.macro
(enum_entry) @def.constant
(protocol_property_declaration) @def.property
(source_file (property_declaration) @def.property)
(class_body (property_declaration) @def.property)
(enum_class_body (property_declaration) @def.property)

(comment) @comment
(multiline_comment) @comment

(call_expression . [
  (simple_identifier) @ref.call
  (navigation_expression suffix: (navigation_suffix suffix: (simple_identifier) @ref.call))])
(type_identifier) @ref.type
(import_declaration) @import
