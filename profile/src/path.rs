//! Ways to a value in a JSON payload, as routes and mappings write them.

/// A way to a value in JSON: `a.b[0].c`, `list[key=value].v`, `["a.b"]`, or a JSON pointer (RFC 6901) `/a/b/0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// As written.
    pub text: String,
    /// Whether it begins at the payload and not at the element (`$.`).
    pub from_root: bool,
    /// From value to value.
    pub steps: Vec<Step>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A member of an object, or by digits an element of an array.
    Name(String),
    /// The first element of an array whose member `key` is this text, number or truth.
    Select {
        /// The member.
        key: String,
        /// What it must be.
        value: String,
    },
}

impl Path {
    /// Steps at most; a payload is not nested deeper.
    pub const STEPS_MAX: usize = 16;

    /// Reads a path; `.` is the value itself.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from_root, rest) = match text.strip_prefix('$') {
            Some("") => (true, ""),
            Some(rest) => (true, rest.strip_prefix('.').or_else(|| rest.starts_with('[').then_some(rest))?),
            None if text == "." => (false, ""),
            None => (false, text),
        };
        let steps = match rest.strip_prefix('/') {
            Some(pointer) => pointer.split('/').map(pointer_token).collect::<Option<Vec<_>>>()?,
            None if rest.is_empty() && (from_root || text == ".") => Vec::new(),
            None => dotted(rest)?,
        };
        (steps.len() <= Self::STEPS_MAX).then(|| Self { text: text.to_owned(), from_root, steps })
    }

    /// Whether it only names members and places, and selects nothing.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.steps.iter().all(|step| matches!(step, Step::Name(_)))
    }
}

/// RFC 6901 §4: `~1` is `/`, `~0` is `~`.
fn pointer_token(token: &str) -> Option<Step> {
    let escapes_end = token.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    escapes_end.then(|| Step::Name(token.replace("~1", "/").replace("~0", "~")))
}

fn dotted(text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = text;
    let mut name_next = !text.starts_with('[');
    loop {
        if name_next {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, after) = rest.split_at_checked(end)?;
            let plain = !name.is_empty() && !name.contains([']', '"', '=']) && name.trim() == name;
            plain.then(|| steps.push(Step::Name(name.to_owned())))?;
            rest = after;
        }
        if let Some(after) = rest.strip_prefix('[') {
            let (step, after) = bracket(after)?;
            steps.push(step);
            rest = after;
            name_next = false;
        } else if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            name_next = true;
        } else {
            return rest.is_empty().then_some(steps);
        }
    }
}

/// What stands in `[…]`, and what follows it.
fn bracket(text: &str) -> Option<(Step, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (name, after) = quoted.split_once("\"]")?;
        return Some((Step::Name(name.to_owned()), after));
    }
    let (inner, after) = text.split_once(']')?;
    let step = match inner.split_once('=') {
        Some((key, value)) if !key.is_empty() && !value.is_empty() => {
            Step::Select { key: key.to_owned(), value: value.to_owned() }
        }
        Some(_) => return None,
        None => Step::Name(inner.parse::<u32>().ok()?.to_string()),
    };
    Some((step, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Option<String> {
        let path = Path::parse(text)?;
        let shown = path.steps.iter().map(|step| match step {
            Step::Name(name) => format!("<{name}>"),
            Step::Select { key, value } => format!("<{key}={value}>"),
        });
        Some(shown.collect())
    }

    #[test]
    fn both_ways_to_write_a_path_are_read() {
        let cases = [
            ("a", "<a>"),
            ("a.b[0].c", "<a><b><0><c>"),
            ("sensordatavalues[value_type=SDS_P1].value", "<sensordatavalues><value_type=SDS_P1><value>"),
            ("[\"a.b\"].c", "<a.b><c>"),
            ("[2][0]", "<2><0>"),
            ("/a/b~1c/0", "<a><b/c><0>"),
            ("/a~01", "<a~1>"),
            ("/", "<>"),
            (".", ""),
            ("$", ""),
            ("$.a", "<a>"),
            ("$[0]", "<0>"),
        ];
        for (text, want) in cases {
            assert_eq!(steps(text).as_deref(), Some(want), "{text}");
        }
        assert!(Path::parse("$.a").is_some_and(|path| path.from_root));
        assert!(Path::parse("a[b=c]").is_some_and(|path| !path.is_plain()));
    }

    #[test]
    fn anything_else_is_no_path() {
        for text in
            ["", "a..b", ".a", "a.", "a[", "a[]", "a[x]", "a[=b]", "a[b=]", "a]", "/a~2", "$a", "a[-1]"]
        {
            assert_eq!(steps(text), None, "{text}");
        }
        let deep = vec!["a"; Path::STEPS_MAX + 1].join(".");
        assert_eq!(steps(&deep), None);
    }
}
