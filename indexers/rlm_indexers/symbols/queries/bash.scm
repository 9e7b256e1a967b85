; The grammar ships no tags: these stand in for them.
(function_definition) @def.function
(program (variable_assignment) @def.variable)
(program (declaration_command (variable_assignment) @def.variable))

(comment) @comment

(command name: (command_name (word) @ref.call))
(command name: (command_name (word) @_source (#match? @_source "^(source|\\.)$"))) @import
