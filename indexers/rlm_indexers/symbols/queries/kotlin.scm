; The grammar ships no tags: these stand in for them.
(class_declaration) @def.class
(object_declaration) @def.object
(companion_object name: (_)) @def.object
(function_declaration) @def.function
(type_alias) @def.type
(enum_entry) @def.constant
(source_file (property_declaration) @def.property)
(class_body (property_declaration) @def.property)

(line_comment) @comment
(block_comment) @comment

(call_expression . [(identifier) @ref.call (navigation_expression (identifier) @ref.call .)])
(user_type (identifier) @ref.type)
(import) @import
