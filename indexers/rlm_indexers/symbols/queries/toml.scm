(table) @def.key
(table_array_element) @def.key
(document (pair) @def.key)
(table (pair) @def.key)
