; The grammar's own tags say neither whose method one is nor what is imported: these stand in for them.
(function_declaration) @def.function
(assignment_statement (expression_list . value: (function_definition))) @def.function
(field name: (identifier) value: (function_definition)) @def.function

(comment) @comment

(function_call name: [
  (identifier) @ref.call
  (dot_index_expression field: (identifier) @ref.call)
  (method_index_expression method: (identifier) @ref.call)])
