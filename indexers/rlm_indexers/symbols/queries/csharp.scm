; Definitions
(class_declaration) @def.class
(record_declaration) @def.class
(interface_declaration) @def.interface
(struct_declaration) @def.struct
(enum_declaration) @def.enum
(enum_member_declaration) @def.constant
(delegate_declaration) @def.type
(namespace_declaration) @def.namespace
(file_scoped_namespace_declaration) @def.namespace
(method_declaration) @def.method
(constructor_declaration) @def.method
(destructor_declaration) @def.method
(operator_declaration) @def.method
(local_function_statement) @def.function
(property_declaration) @def.property
(event_declaration) @def.property
(event_field_declaration) @def.property
(field_declaration) @def.property

(comment) @comment

; References
(invocation_expression function: [
  (identifier) @ref.call
  (generic_name . (identifier) @ref.call)
  (member_access_expression name: [(identifier) @ref.call (generic_name . (identifier) @ref.call)])
  (conditional_access_expression
    (member_binding_expression name: [(identifier) @ref.call (generic_name . (identifier) @ref.call)]))])
(object_creation_expression type: [
  (identifier) @ref.call
  (generic_name . (identifier) @ref.call)
  (qualified_name name: [(identifier) @ref.call (generic_name . (identifier) @ref.call)])])
(attribute name: (identifier) @ref.call)
(base_list [
  (identifier) @ref.type
  (generic_name . (identifier) @ref.type)
  (qualified_name name: (identifier) @ref.type)])
(parameter type: [(identifier) @ref.type (generic_name . (identifier) @ref.type) (nullable_type (identifier) @ref.type)])
(variable_declaration type: [(identifier) @ref.type (generic_name . (identifier) @ref.type) (nullable_type (identifier) @ref.type)])
(property_declaration type: [(identifier) @ref.type (generic_name . (identifier) @ref.type) (nullable_type (identifier) @ref.type)])
(method_declaration returns: [(identifier) @ref.type (generic_name . (identifier) @ref.type) (nullable_type (identifier) @ref.type)])
(type_argument_list (identifier) @ref.type)

(using_directive) @import
