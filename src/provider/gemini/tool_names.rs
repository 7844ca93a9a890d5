//! Names of functions that Google refuses: written so that it takes them, and back.

/// The longest name, in bytes, that Google takes (<https://ai.google.dev/api/caching#FunctionDeclaration>).
const LONGEST: usize = 128;

/// How many hexadecimal digits of a hash tell two changed names apart.
const DIGITS: usize = 8;

/// The name to send for a client's `name`: the same one, or one that Google takes, with a hash that keeps it apart.
///
/// A pure function of the name, so that calls and results in the history agree with the declarations.
pub(super) fn to_send(name: &str) -> String {
    if is_accepted(name) {
        return name.to_owned();
    }
    let mut out = String::new();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        out.push('_');
    }
    let room = LONGEST - DIGITS - 2;
    out.extend(name.chars().map(|c| if is_inner(c) { c } else { '_' }).take(room));
    format!("{out}_{:0DIGITS$x}", hash(name))
}

/// Starts with a letter or `_`, and goes on with letters, digits and `_ . : -`.
fn is_accepted(name: &str) -> bool {
    name.len() <= LONGEST
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(is_inner)
}

fn is_inner(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.:-".contains(c)
}

/// FNV-1a, 32 bits: <http://www.isthe.com/chongo/tech/comp/fnv/>.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_google_takes_stay() {
        for name in ["f", "_private", "ns.tool:call-2", &"a".repeat(128)] {
            assert_eq!(to_send(name), name);
        }
    }

    #[test]
    fn names_that_google_refuses_become_others_that_differ() {
        let names = ["mcp/list files", "mcp/list_files", "1st", "", "größe", &"x".repeat(300), &"x".repeat(301)];
        let sent: Vec<String> = names.iter().map(|name| to_send(name)).collect();
        for (index, name) in sent.iter().enumerate() {
            assert!(is_accepted(name), "{name}");
            assert!(!sent.iter().skip(index + 1).any(|other| other == name), "{name}");
        }
        assert!(sent[0].starts_with("mcp_list_files_"), "{}", sent[0]);
    }
}
