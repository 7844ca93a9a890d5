//! Routing by tag, by LiteLLM's rules: `a` wants any of the plain tags, `&a` must be there, `!a` must not.

use super::Regex;

/// The tag of deployments that serve requests without a tag of their own.
const DEFAULT: &str = "default";

/// `router_settings`, as far as it is about tags.
#[derive(Clone, Debug, PartialEq)]
pub struct TagRules {
    /// `enable_tag_filtering`.
    pub enabled: bool,
    /// `tag_filtering_match_any`: one plain tag of the request is enough; else a deployment needs them all.
    pub match_any: bool,
    /// `tag_routing_prefix`: says of a tag that it is about routing; it is taken off.
    pub prefix: String,
}

impl Default for TagRules {
    fn default() -> Self {
        Self { enabled: false, match_any: true, prefix: String::new() }
    }
}

/// What a deployment says of tags.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tagged {
    /// `litellm_params.tags`.
    pub tags: Vec<String>,
    /// `litellm_params.tag_regex`, held against `User-Agent: …`.
    pub regex: Vec<Regex>,
    /// `model_info.enable_tag_filtering`: for the whole group, instead of the router's.
    pub enabled: Option<bool>,
    /// `model_info.allow_fail_open`: without a match, the group answers all the same.
    pub fail_open: bool,
}

/// What a request says of tags.
#[derive(Clone, Debug, Default)]
pub struct RequestTags {
    /// All of its tags: its own, and those of its key and team.
    pub all: Vec<String>,
    /// Those of its key and team.
    pub inherited: Vec<String>,
    /// `User-Agent`.
    pub user_agent: String,
    /// Whether tags count whatever the group and the router say: the key asks for it.
    pub forced: bool,
}

impl Tagged {
    fn has(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == tag)
    }

    fn fits(&self, constraints: &Constraints<'_>) -> bool {
        constraints.required.iter().all(|tag| self.has(tag)) && !constraints.excluded.iter().any(|tag| self.has(tag))
    }
}

/// Tags without their marks.
struct Constraints<'t> {
    required: Vec<&'t str>,
    plain: Vec<&'t str>,
    excluded: Vec<&'t str>,
}

impl<'t> Constraints<'t> {
    fn of(tags: &'t [String], prefix: &str) -> Self {
        let bare = |tag: &'t String| tag.strip_prefix(prefix).unwrap_or(tag);
        let marked = |mark: char| tags.iter().map(bare).filter_map(move |tag| tag.strip_prefix(mark));
        let named = |tag: &&str| !tag.is_empty();
        Self {
            required: marked('&').filter(named).collect(),
            excluded: marked('!').filter(named).collect(),
            plain: tags.iter().map(bare).filter(|tag| !tag.starts_with(['&', '!'])).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.required.is_empty() && self.excluded.is_empty()
    }
}

/// Whether each deployment of `pool` may serve the request; `group` are all of the model group, those that are out for
/// other reasons too. No `true` at all: the tags allow none.
pub(super) fn by_tags(rules: &TagRules, group: &[&Tagged], pool: &[&Tagged], request: &RequestTags) -> Vec<bool> {
    let by_group = || group.iter().find_map(|tagged| tagged.enabled).unwrap_or(rules.enabled);
    if !(request.forced || by_group()) || pool.is_empty() {
        return vec![true; pool.len()];
    }
    let asked = Constraints::of(&request.all, &rules.prefix);
    let candidate = |tagged: &Tagged| tagged.fits(&asked);
    let by_regex = !request.user_agent.is_empty()
        && asked.required.is_empty()
        && pool.iter().any(|tagged| candidate(tagged) && !tagged.regex.is_empty());
    let chosen: Vec<bool> = if !asked.plain.is_empty() || by_regex {
        let header = format!("User-Agent: {}", request.user_agent);
        let fits = |tagged: &Tagged| candidate(tagged) && matches(tagged, &asked.plain, &header, rules.match_any);
        let found: Vec<bool> = pool.iter().map(|tagged| fits(tagged)).collect();
        // A tag that the group knows and nobody may serve is no request without a tag.
        let known = asked.plain.iter().any(|tag| is_confirmed(rules, request, tag) || is_known(group, tag));
        if found.contains(&true) || known {
            found
        } else {
            pool.iter().map(|tagged| candidate(tagged) && tagged.has(DEFAULT)).collect()
        }
    } else if !asked.required.is_empty() {
        pool.iter().map(|tagged| candidate(tagged)).collect()
    } else {
        // Without a tag that asks for something, those tagged `default` where there are such.
        let allowed = if asked.is_empty() { |_: &Tagged, _: &Constraints<'_>| true } else { Tagged::fits };
        let has_default = pool.iter().any(|tagged| tagged.has(DEFAULT));
        return open(rules, group, pool, request, &asked, {
            let kept = |tagged: &&&Tagged| allowed(tagged, &asked) && (!has_default || tagged.has(DEFAULT));
            pool.iter().map(|tagged| kept(&tagged)).collect()
        });
    };
    open(rules, group, pool, request, &asked, chosen)
}

/// `chosen`; where that is nobody and the group fails open, whoever keeps to what key and team demand.
fn open(
    rules: &TagRules,
    group: &[&Tagged],
    pool: &[&Tagged],
    request: &RequestTags,
    asked: &Constraints<'_>,
    chosen: Vec<bool>,
) -> Vec<bool> {
    if chosen.contains(&true) || !pool.iter().any(|tagged| tagged.fail_open) {
        return chosen;
    }
    // A tag that somebody made up must not open what the tags beside it would have narrowed.
    let known = |tag: &&str| is_confirmed(rules, request, tag) || is_known(group, tag);
    let required: Vec<&str> = asked.required.iter().copied().filter(|tag| known(tag)).collect();
    let is_hidden = !required.is_empty() && required.len() < asked.required.len();
    let narrower = Constraints { required, plain: Vec::new(), excluded: asked.excluded.clone() };
    if is_hidden && pool.iter().any(|tagged| tagged.fits(&narrower)) {
        return chosen;
    }
    let inherited = Constraints::of(&request.inherited, &rules.prefix);
    let trusted: Vec<bool> = pool.iter().map(|tagged| tagged.fits(&inherited)).collect();
    let is_default = |(tagged, trusted): (&&Tagged, &bool)| *trusted && tagged.has(DEFAULT);
    let defaults: Vec<bool> = pool.iter().zip(&trusted).map(is_default).collect();
    if defaults.contains(&true) { defaults } else { trusted }
}

/// Whether a deployment fits plain tags, or the client by its `User-Agent`. Where all tags have to fit, a pattern does
/// not stand in for them.
fn matches(tagged: &Tagged, plain: &[&str], header: &str, match_any: bool) -> bool {
    let by_tags = match_any && plain.iter().any(|tag| tagged.has(tag))
        || !match_any && !plain.is_empty() && plain.iter().all(|tag| tagged.has(tag));
    let by_regex = || (match_any || tagged.tags.is_empty()) && tagged.regex.iter().any(|regex| regex.fits(header));
    by_tags || (header.len() > "User-Agent: ".len() && by_regex())
}

/// Whether the request said by the prefix that a tag is about routing.
fn is_confirmed(rules: &TagRules, request: &RequestTags, tag: &str) -> bool {
    let said =
        |own: &String| own.strip_prefix(&rules.prefix).is_some_and(|own| own.trim_start_matches(['&', '!']) == tag);
    !rules.prefix.is_empty() && request.all.iter().any(said)
}

/// Whether any deployment of the group has a tag.
fn is_known(group: &[&Tagged], tag: &str) -> bool {
    group.iter().any(|tagged| tagged.has(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(words: &str) -> Vec<String> {
        words.split_ascii_whitespace().map(str::to_owned).collect()
    }

    /// A deployment: its tags; `/x/` is a pattern, `open` fails open, `on` and `off` switch the group.
    fn tagged(words: &str) -> Tagged {
        let mut out = Tagged::default();
        for word in strings(words) {
            match word.as_str() {
                "OPEN" => out.fail_open = true,
                "ON" | "OFF" => out.enabled = Some(word == "ON"),
                word if word.starts_with('/') => out.regex.push(Regex::new(word.trim_matches('/')).unwrap()),
                _ => out.tags.push(word),
            }
        }
        out
    }

    const FREE: &[&str] = &["free", "paid", "default", ""];

    /// Rule, deployments, tags of the request, inherited ones, client, and who may serve.
    type Row = (&'static str, &'static [&'static str], &'static str, &'static str, &'static str, &'static [usize]);

    #[rustfmt::skip]
    const ROWS: &[Row] = &[
        ("a plain tag wants those that have it", FREE, "free", "", "", &[0]),
        ("one of several is enough", FREE, "free paid", "", "", &[0, 1]),
        ("no tag: those tagged default", FREE, "", "", "", &[2]),
        ("no tag and no default: all", &["free", ""], "", "", "", &[0, 1]),
        ("a tag that nobody knows: default", FREE, "nobody", "", "", &[2]),
        ("a tag that nobody knows and no default: none", &["free", ""], "nobody", "", "", &[]),
        ("& must be there", &["a b", "a", "b"], "&a &b", "", "", &[0]),
        ("& and plain", &["a b", "a", "b"], "&a b", "", "", &[0]),
        ("& that nobody has: none", &["a", "default"], "&x", "", "", &[]),
        ("! must not be there", &["a", "b", ""], "!a", "", "", &[1, 2]),
        ("! among those tagged default", &["default a", "default", ""], "!a", "", "", &[1]),
        ("! that leaves no default: none", &["default a", ""], "!a", "", "", &[]),
        ("! and plain", &["a x", "a", "b"], "a !x", "", "", &[1]),
        ("& and !", &["a x", "a"], "&a !x", "", "", &[1]),
        ("a known tag whose deployments are excluded is no unknown one", &["a x", "default"], "a !x", "", "", &[]),
        ("a mark alone says nothing", &["a", "default"], "& !", "", "", &[1]),
        ("a pattern fits the client", &["/^User-Agent:.claude/", "default"], "", "", "claude-code/1", &[0]),
        ("another client: default", &["/^User-Agent:.claude/", "default"], "", "", "curl/8", &[1]),
        ("another client and no default: none", &["/^User-Agent:.claude/", ""], "", "", "curl/8", &[]),
        ("no client: as without tags", &["/claude/", "default"], "", "", "", &[1]),
        ("a tag or a pattern", &["/claude/", "a"], "a", "", "claude", &[0, 1]),
        ("& leaves patterns aside", &["a /claude/", "a"], "&a", "", "claude", &[0, 1]),
        ("fails open to default", &["a OPEN", "default"], "&x", "", "", &[1]),
        ("fails open to all without default", &["a OPEN", "b"], "&x", "", "", &[0, 1]),
        ("fails open within what the key demands", &["a OPEN", "b"], "&x &b", "&b", "", &[]),
        ("fails open when only the key's tag is known and nobody made one up", &["a OPEN", "b"], "&a &b", "&b", "", &[1]),
        ("does not fail open past the key's own tag", &["a OPEN", "b"], "&x", "&x", "", &[]),
        ("a made-up tag does not open what others narrow", &["a OPEN", "b"], "&a &x", "", "", &[]),
        ("a group may switch it off", &["a OFF", "b"], "b", "", "", &[0, 1]),
    ];

    fn kept(rules: &TagRules, row: &Row) -> Vec<usize> {
        let (_, deployments, tags, inherited, client, _) = row;
        let all: Vec<Tagged> = deployments.iter().map(|words| tagged(words)).collect();
        let pool: Vec<&Tagged> = all.iter().collect();
        let request = RequestTags {
            all: strings(tags),
            inherited: strings(inherited),
            user_agent: (*client).to_owned(),
            forced: false,
        };
        let verdicts = by_tags(rules, &pool, &pool, &request);
        verdicts.iter().enumerate().filter(|(_, kept)| **kept).map(|(index, _)| index).collect()
    }

    #[test]
    fn tags_choose_as_in_litellm() {
        let rules = TagRules { enabled: true, ..TagRules::default() };
        for row in ROWS {
            assert_eq!(kept(&rules, row), row.5, "{}", row.0);
        }
        let off = TagRules::default();
        assert_eq!(kept(&off, &("off", &["a", "b"], "b", "", "", &[])), [0, 1]);
        assert_eq!(kept(&off, &("on for the group", &["a ON", "b"], "b", "", "", &[])), [1]);
    }

    #[test]
    fn all_tags_have_to_fit_where_any_is_not_enough() {
        let rules = TagRules { enabled: true, match_any: false, ..TagRules::default() };
        let rows: &[Row] = &[
            ("all", &["a b", "a"], "a b", "", "", &[0]),
            ("none has all", &["a", "b"], "a b", "", "", &[]),
            ("a pattern does not stand in for tags", &["a /claude/", "/claude/"], "x", "", "claude", &[1]),
        ];
        for row in rows {
            assert_eq!(kept(&rules, row), row.5, "{}", row.0);
        }
    }

    #[test]
    fn a_prefix_says_that_a_tag_is_about_routing() {
        let rules = TagRules { enabled: true, prefix: "route:".to_owned(), ..TagRules::default() };
        let rows: &[Row] = &[
            ("taken off", &["a", "default"], "route:a", "", "", &[0]),
            ("unknown, and meant: no default", &["a", "default"], "route:x", "", "", &[]),
            ("unknown, and not meant: default", &["a", "default"], "x", "", "", &[1]),
            ("with a mark behind it", &["a", "b"], "route:!a", "", "", &[1]),
        ];
        for row in rows {
            assert_eq!(kept(&rules, row), row.5, "{}", row.0);
        }
    }

    #[test]
    fn what_is_out_for_other_reasons_still_makes_a_tag_known() {
        let rules = TagRules { enabled: true, ..TagRules::default() };
        let (own, default) = (tagged("a"), tagged("default"));
        let request = RequestTags { all: strings("a"), ..RequestTags::default() };
        assert_eq!(by_tags(&rules, &[&own, &default], &[&default], &request), [false]);
        assert_eq!(by_tags(&rules, &[&default], &[&default], &request), [true]);
    }
}
