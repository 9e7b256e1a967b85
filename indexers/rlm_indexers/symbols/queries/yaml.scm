(document (block_node (block_mapping (block_mapping_pair) @def.key)))
(document (block_node (block_mapping (block_mapping_pair value: (block_node (block_mapping (block_mapping_pair) @def.key))))))
; Of a list of mappings each, by what its first key says: the plays and tasks of a playbook.
(document (block_node (block_sequence (block_sequence_item (block_node (block_mapping))) @def.item)))
