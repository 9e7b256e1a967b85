; Definitions
(class_declaration) @def.class
(interface_declaration) @def.interface
(trait_declaration) @def.trait
(enum_declaration) @def.enum
(enum_case) @def.constant
(function_definition) @def.function
(method_declaration) @def.method
(const_element) @def.constant
(property_element) @def.property
(property_promotion_parameter) @def.property
(namespace_definition name: (_)) @def.namespace

(comment) @comment

; References
(function_call_expression function: [(name) @ref.call (qualified_name (name) @ref.call)])
(member_call_expression name: (name) @ref.call)
(nullsafe_member_call_expression name: (name) @ref.call)
(scoped_call_expression name: (name) @ref.call)
(scoped_call_expression scope: [(name) @ref.type (qualified_name (name) @ref.type)])
(class_constant_access_expression . [(name) @ref.type (qualified_name (name) @ref.type)])
(object_creation_expression [(name) @ref.call (qualified_name (name) @ref.call)])
(attribute [(name) @ref.call (qualified_name (name) @ref.call)])
(named_type [(name) @ref.type (qualified_name (name) @ref.type)])
(base_clause [(name) @ref.type (qualified_name (name) @ref.type)])
(class_interface_clause [(name) @ref.type (qualified_name (name) @ref.type)])
(declaration_list (use_declaration [(name) @ref.type (qualified_name (name) @ref.type)]))

(namespace_use_declaration) @import
(include_expression) @import
(include_once_expression) @import
(require_expression) @import
(require_once_expression) @import
