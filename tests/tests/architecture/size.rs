//! Files and functions stay small. The lists of exceptions may only shrink.

use proc_macro2::LineColumn;
use syn::spanned::Spanned;
use syn::visit::Visit;

use super::tree::{files, is_outside_production, production, read};

const FILE_LINES_MAX: usize = 500;
const FILE_LINES_MEDIAN_MAX: usize = 170;
const FUNCTION_LINES_MAX: usize = 60;
const LINE_COLUMNS_MAX: usize = 120;

/// Files over the bound, with their size on the day they were listed. May only shrink.
const LARGE_FILES: &[(&str, usize)] = &[];
/// Functions over the bound, `file::function`, with their size on the day they were listed. May only shrink.
const LONG_FUNCTIONS: &[(&str, usize)] = &[];

#[test]
fn files_stay_small() {
    let mut sizes = Vec::new();
    let mut wrong = Vec::new();
    for path in files(&[".rs", ".ts"]) {
        let lines = read(&path).lines().count();
        let bound =
            LARGE_FILES.iter().find(|(file, _)| *file == path).map_or(FILE_LINES_MAX, |(_, size)| *size);
        if lines > bound {
            wrong.push(format!("{path}: {lines} lines, allowed are {bound}"));
        }
        if !is_outside_production(&path) {
            sizes.push(lines);
        }
    }
    sizes.sort_unstable();
    let median = sizes.get(sizes.len() / 2).copied().unwrap_or_default();
    assert!(median <= FILE_LINES_MEDIAN_MAX, "the median file has {median} lines");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn functions_fit_on_one_screen() {
    let mut wrong = Vec::new();
    for path in files(&[".rs"]).iter().filter(|path| !is_outside_production(path)) {
        let text = read(path);
        let Ok(file) = syn::parse_file(production(&text)) else {
            wrong.push(format!("{path}: cannot be parsed"));
            continue;
        };
        let mut functions = Functions::default();
        functions.visit_file(&file);
        for (name, lines) in functions.found {
            let key = format!("{path}::{name}");
            let bound = LONG_FUNCTIONS.iter().find(|(known, _)| *known == key);
            if lines > bound.map_or(FUNCTION_LINES_MAX, |(_, size)| *size) {
                wrong.push(format!("{key}: {lines} lines"));
            }
        }
    }
    assert!(wrong.is_empty(), "functions over {FUNCTION_LINES_MAX} lines:\n{}", wrong.join("\n"));
}

#[test]
fn every_file_begins_with_its_purpose() {
    let mut wrong = Vec::new();
    for path in files(&[".rs", ".ts", ".mjs", ".py", ".proto"]) {
        let text = read(&path);
        let first = text.lines().find(|line| !line.starts_with("#!")).unwrap_or_default();
        let says = ["//!", "// ", "/* ", "/** ", "# ", "\"\"\""].iter().any(|mark| first.starts_with(mark));
        if !says {
            wrong.push(format!("{path}: {first}"));
        }
    }
    assert!(wrong.is_empty(), "files whose first line does not say their purpose:\n{}", wrong.join("\n"));
}

#[test]
fn lines_end_in_sight() {
    let mut wrong = Vec::new();
    for path in files(&[".rs", ".ts"]) {
        for (number, line) in read(&path).lines().enumerate() {
            if line.chars().count() > LINE_COLUMNS_MAX {
                wrong.push(format!("{path}:{}", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "lines over {LINE_COLUMNS_MAX} columns:\n{}", wrong.join("\n"));
}

/// Names and sizes of all functions of a file.
#[derive(Default)]
struct Functions {
    found: Vec<(String, usize)>,
}

impl Functions {
    fn note(&mut self, name: &syn::Ident, start: LineColumn, end: LineColumn) {
        self.found.push((name.to_string(), end.line.saturating_sub(start.line) + 1));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note(&item.sig.ident, item.sig.fn_token.span().start(), item.block.span().end());
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(&item.sig.ident, item.sig.fn_token.span().start(), item.block.span().end());
        syn::visit::visit_impl_item_fn(self, item);
    }
}
