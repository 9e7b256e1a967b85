(element (start_tag (tag_name) @_tag (#match? @_tag "^[hH][1-6]$"))) @def.heading
(element (start_tag (attribute (attribute_name) @_name (#eq? @_name "id")))) @def.element
