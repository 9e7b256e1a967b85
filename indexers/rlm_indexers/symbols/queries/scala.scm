; The grammar's own tags count what follows an indented body into it, and know neither documentation nor imports: these
; stand in for them.
(package_clause) @def.module
(class_definition) @def.class
(trait_definition) @def.interface
(object_definition) @def.object
(package_object) @def.object
(enum_definition) @def.enum
(simple_enum_case) @def.constant
(full_enum_case) @def.class
(function_definition) @def.function
(function_declaration) @def.function
(type_definition) @def.type
(given_definition) @def.property
(class_parameter) @def.property
(compilation_unit [(val_definition) (var_definition)] @def.variable)
(template_body [(val_definition) (var_definition) (val_declaration) (var_declaration)] @def.property)

(comment) @comment
(block_comment) @comment

(call_expression function: [
  (identifier) @ref.call
  (field_expression field: (identifier) @ref.call)
  (generic_function function: [(identifier) @ref.call (field_expression field: (identifier) @ref.call)])])
(type_identifier) @ref.type
(import_declaration) @import
