(document (object (pair) @def.key))
(document (object (pair value: (object (pair) @def.key))))
