(rule_set) @def.selector
(media_statement) @def.selector
(keyframes_statement) @def.selector
