//! Definitions by syn: file names on standard input, one JSON array per definition on standard output.
//! Counted: functions, methods, structs, enums, unions, traits, type aliases, modules, wherever they stand outside macros.
//! Needs the crates syn (features full, visit, extra-traits) and proc-macro2 (feature span-locations).
use std::io::Read;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

struct Reader<'a>(&'a str);

macro_rules! visited {
    ($($method:ident $node:ident $($name:ident).+;)*) => {
        impl<'a> Visit<'a> for Reader<'_> {
            $(fn $method(&mut self, node: &'a syn::$node) {
                let name = &node.$($name).+;
                let text = name.to_string();
                let text = text.trim_start_matches("r#");
                println!("[{:?},{:?},{},{},\"\"]", self.0, text, name.span().start().line, node.span().end().line);
                visit::$method(self, node);
            })*
        }
    };
}

visited! {
    visit_item_fn ItemFn sig.ident;
    visit_impl_item_method ImplItemMethod sig.ident;
    visit_trait_item_method TraitItemMethod sig.ident;
    visit_foreign_item_fn ForeignItemFn sig.ident;
    visit_item_struct ItemStruct ident;
    visit_item_enum ItemEnum ident;
    visit_item_union ItemUnion ident;
    visit_item_trait ItemTrait ident;
    visit_item_type ItemType ident;
    visit_impl_item_type ImplItemType ident;
    visit_trait_item_type TraitItemType ident;
    visit_item_mod ItemMod ident;
}

fn main() {
    let mut listing = String::new();
    std::io::stdin().read_to_string(&mut listing).unwrap();
    for path in listing.lines() {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        let Ok(file) = syn::parse_file(&text) else { continue };
        println!("[{path:?},\"\",1,1,\"\"]");
        Reader(path).visit_file(&file);
    }
}
