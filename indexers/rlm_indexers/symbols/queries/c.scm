; Definitions
(function_definition) @def.function
(struct_specifier body: (_)) @def.struct
(union_specifier body: (_)) @def.union
(enum_specifier body: (_)) @def.enum
(enumerator) @def.constant
(type_definition) @def.type
(field_declaration) @def.property
(preproc_def) @def.macro
(preproc_function_def) @def.macro
(translation_unit (declaration) @def.variable)
(preproc_ifdef (declaration) @def.variable)
(preproc_if (declaration) @def.variable)
(preproc_else (declaration) @def.variable)
(preproc_elif (declaration) @def.variable)
(linkage_specification (declaration) @def.variable)
(declaration_list (declaration) @def.variable)

(comment) @comment

; References
(call_expression function: [(identifier) @ref.call (field_expression field: (field_identifier) @ref.call)])
(type_identifier) @ref.type

(preproc_include) @import
