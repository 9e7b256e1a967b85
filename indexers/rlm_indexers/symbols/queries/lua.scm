; The grammar's own tags say neither whose method one is nor what is imported: these stand in for them.
(function_declaration) @def.function
(assignment_statement (expression_list . value: (function_definition))) @def.function
(field name: [(identifier) (string)] value: (function_definition)) @def.function

(comment) @comment

(function_call name: [
  (identifier) @ref.call
  (dot_index_expression field: (identifier) @ref.call)
  (method_index_expression method: (identifier) @ref.call)])

; `local a = require "b"`, `local a = require("b").c`, and `require` on its own.
(assignment_statement (expression_list . value: [
  (function_call name: (identifier) @_f)
  (dot_index_expression table: (function_call name: (identifier) @_f))] (#eq? @_f "require"))) @import
([
  (chunk (function_call name: (identifier) @_f) @import)
  (block (function_call name: (identifier) @_f) @import)
  (arguments (function_call name: (identifier) @_f) @import)
  (field value: (function_call name: (identifier) @_f) @import)
  (method_index_expression table: (function_call name: (identifier) @_f) @import)
  (function_call name: (dot_index_expression table: (function_call name: (identifier) @_f) @import))
  ] (#eq? @_f "require"))
