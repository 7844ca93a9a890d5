//! LiteLLM's complexity router: seven marks of an ask, weighed, choose a tier. Words and numbers are its defaults.

use super::words::Ask;
use crate::router::fallback::Hop;
use crate::router::filter::Regex;

/// A tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Short questions and greetings.
    Simple,
    /// Ordinary ones.
    Medium,
    /// Technical ones.
    Complex,
    /// Those that have to be thought through.
    Reasoning,
}

/// All tiers, the least first.
pub const TIERS: [Tier; 4] = [Tier::Simple, Tier::Medium, Tier::Complex, Tier::Reasoning];

impl Tier {
    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Simple => "SIMPLE",
            Self::Medium => "MEDIUM",
            Self::Complex => "COMPLEX",
            Self::Reasoning => "REASONING",
        }
    }
}

/// A complexity router.
#[derive(Clone, Debug)]
pub struct Complexity {
    /// `tiers`: the model groups of each; one of several is taken by chance.
    pub tiers: Vec<(Tier, Vec<Hop>)>,
    /// `default_model`: where a tier has none.
    pub default_model: Option<Hop>,
    /// `tier_boundaries`: `simple_medium`, `medium_complex`, `complex_reasoning`.
    pub boundaries: [f64; 3],
    /// `token_thresholds`: `simple`, `complex`.
    pub thresholds: [u64; 2],
    /// `dimension_weights`, in the order of [`DIMENSIONS`].
    pub weights: [f64; 7],
    /// `reasoning_override_min_score`; `None` is the first boundary.
    pub override_from: Option<f64>,
    /// `code_keywords`, `reasoning_keywords`, `technical_keywords`, `simple_keywords`.
    pub keywords: [Vec<String>; 4],
    /// `keyword_tier_rules`: of those that hold, the highest tier counts.
    pub rules: Vec<(Vec<String>, Tier)>,
    /// `escalation_keywords`: words by which a user asks for the next tier.
    pub escalation: Vec<String>,
    steps: Option<Regex>,
}

/// The marks, by LiteLLM's names.
pub const DIMENSIONS: [&str; 7] = [
    "tokenCount",
    "codePresence",
    "reasoningMarkers",
    "technicalTerms",
    "simpleIndicators",
    "multiStepPatterns",
    "questionComplexity",
];

const CODE: &str = "function,class,def,const,let,var,import,export,return,async,await,try,catch,exception,error,debug,\
api,endpoint,request,response,database,sql,query,schema,algorithm,implement,refactor,optimize,python,javascript,\
typescript,java,rust,golang,react,vue,angular,node,docker,kubernetes,git,commit,merge,branch,pull request";

const REASONING: &str = "step by step,think through,let's think,reason through,analyze this,break down,\
explain your reasoning,show your work,chain of thought,think carefully,consider all,evaluate,pros and cons,\
compare and contrast,weigh the options,logical,deduce,infer,conclude";

const TECHNICAL: &str = "architecture,distributed,scalable,microservice,machine learning,neural network,deep learning,\
encryption,authentication,authorization,performance,latency,throughput,benchmark,concurrency,parallel,threading,memory,\
cpu,gpu,optimization,protocol,tcp,http,grpc,websocket,container,orchestration";

const SIMPLE: &str = "what is,what's,define,definition of,who is,who was,when did,when was,where is,where was,how many,\
how much,yes or no,true or false,simple,brief,short,quick,hello,hi,hey,thanks,thank you,goodbye,bye,okay";

impl Default for Complexity {
    fn default() -> Self {
        let words = |list: &str| list.split(',').map(str::to_owned).collect();
        Self {
            tiers: Vec::new(),
            default_model: None,
            boundaries: [0.15, 0.35, 0.60],
            thresholds: [15, 400],
            weights: [0.10, 0.30, 0.25, 0.25, 0.05, 0.03, 0.02],
            override_from: None,
            keywords: [CODE, REASONING, TECHNICAL, SIMPLE].map(words),
            rules: Vec::new(),
            escalation: vec!["LITELLM ESCALATE".to_owned()],
            steps: Regex::new(r"first.*then|step\s*\d|\d+\.\s|[a-z]\)\s").ok(),
        }
    }
}

impl Complexity {
    /// The tier of an ask, and what decided it.
    pub fn tier(&self, ask: &Ask) -> (Tier, String) {
        let named =
            self.rules.iter().filter_map(|(words, tier)| Some((words.iter().find(|word| ask.has(word))?, *tier)));
        let (tier, why) = if let Some((word, tier)) = named.max_by_key(|(_, tier)| *tier) {
            (tier, format!("keyword `{word}`"))
        } else {
            let (score, reasons) = self.score(ask);
            (self.tier_of(score, reasons), format!("score {}", thousandths(score)))
        };
        if self.escalation.iter().any(|word| ask.text.contains(word)) {
            let higher = self.tiers.iter().map(|(tier, _)| *tier).filter(|other| *other > tier).min();
            return (higher.unwrap_or(tier), format!("{why}, escalated"));
        }
        (tier, why)
    }

    /// The weighed marks, and how many marks of reasoning there are.
    fn score(&self, ask: &Ask) -> (f64, usize) {
        let counts = self.keywords.each_ref().map(|words| words.iter().filter(|word| ask.has(word)).count());
        let [code, reasoning, technical, simple] = counts;
        let grade = |count: usize, [low, high]: [usize; 2], some: f64| match count {
            count if count >= high => 1.0,
            count if count >= low => some,
            _ => 0.0,
        };
        // LiteLLM's guess of the tokens of an ask.
        let tokens = ask.text.chars().count() as u64 / 4;
        let length = match tokens {
            tokens if tokens < self.thresholds[0] => -1.0,
            tokens if tokens > self.thresholds[1] => 1.0,
            _ => 0.0,
        };
        let has_steps = self.steps.as_ref().is_some_and(|steps| steps.fits(ask.lower()));
        let marks = [
            length,
            grade(code, [1, 2], 0.5),
            grade(reasoning, [1, 2], 0.7),
            grade(technical, [2, 4], 0.5),
            -grade(simple, [1, 1], 1.0),
            if has_steps { 0.5 } else { 0.0 },
            if ask.text.matches('?').count() > 3 { 0.5 } else { 0.0 },
        ];
        (marks.iter().zip(self.weights).map(|(mark, weight)| mark * weight).sum(), reasoning)
    }

    fn tier_of(&self, score: f64, reasons: usize) -> Tier {
        let [medium, complex, reasoning] = self.boundaries;
        if reasons >= 2 && score >= self.override_from.unwrap_or(medium) {
            return Tier::Reasoning;
        }
        match score {
            score if score < medium => Tier::Simple,
            score if score < complex => Tier::Medium,
            score if score < reasoning => Tier::Complex,
            _ => Tier::Reasoning,
        }
    }

    /// The model group of a tier: one of its own, else the default, else that of `MEDIUM`.
    pub fn hop(&self, tier: Tier, random: u64) -> Option<&Hop> {
        let of = |wanted: Tier| {
            let (_, hops) = self.tiers.iter().find(|(tier, hops)| *tier == wanted && !hops.is_empty())?;
            hops.get(((u128::from(random) * hops.len() as u128) >> 64) as usize)
        };
        of(tier).or(self.default_model.as_ref()).or_else(|| of(Tier::Medium))
    }

    /// Every model group that it may lead to.
    pub fn models(&self) -> Vec<&str> {
        let hops = self.tiers.iter().flat_map(|(_, hops)| hops).chain(&self.default_model);
        hops.map(|hop| hop.model.as_str()).collect()
    }
}

/// A score with three decimals: the standard library's way with floats takes tables that nothing else here needs.
fn thousandths(score: f64) -> String {
    let number = (score * 1000.0).round() as i64;
    let sign = if number < 0 { "-" } else { "" };
    let number = number.unsigned_abs();
    format!("{sign}{}.{:03}", number / 1000, number % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks with the tier and the score that LiteLLM 1.106.2 gives them.
    #[rustfmt::skip]
    const ROWS: &[(&str, &str, f64)] = &[
        ("hi", "SIMPLE", -0.150),
        ("hello, what is 2+2?", "SIMPLE", -0.150),
        ("What is the capital of France?", "SIMPLE", -0.150),
        ("Write a poem about autumn leaves in the style of Keats, with four stanzas", "SIMPLE", 0.000),
        ("Implement a function in python that sorts a list", "MEDIUM", 0.200),
        ("def foo(): return 1  # why does this class raise an exception?", "MEDIUM", 0.300),
        ("Think step by step: analyze the performance implications of implementing a distributed consensus algorithm for our microservices architecture.", "COMPLEX", 0.450),
        ("Design a scalable distributed architecture with low latency, high throughput, encryption and authentication", "MEDIUM", 0.250),
        ("Explain your reasoning step by step about whether to buy a house", "REASONING", 0.250),
        ("Evaluate this", "SIMPLE", 0.075),
        ("thanks", "SIMPLE", -0.150),
        ("First open the file, then read the database and commit the changes", "MEDIUM", 0.315),
        ("1. do this\n2. do that\n3. finish", "SIMPLE", -0.085),
        ("why? how? when? where? who?", "SIMPLE", -0.090),
        ("the capital of the terrorist's errorless apiary is rusty and classy for everybody around", "SIMPLE", 0.000),
        ("Compare and contrast TCP and HTTP with grpc and websocket protocol performance, weigh the options", "REASONING", 0.500),
        ("Refactor the rust endpoint to use async and await and return the schema of the sql query", "MEDIUM", 0.300),
        ("step 1 boil water. step 2 add pasta. Please describe how long each of them takes in the kitchen", "SIMPLE", 0.015),
        ("Please summarize the following letter to my landlord about the broken heating in the flat and suggest a polite tone", "SIMPLE", 0.000),
        ("pull request review for the kubernetes docker git branch merge", "MEDIUM", 0.300),
        ("我需要开发票", "SIMPLE", -0.100),
        ("analyze this and break down the logical steps to deduce and infer what to conclude", "REASONING", 0.250),
        ("What's a neural network? brief definition of deep learning and machine learning and memory and cpu and gpu", "MEDIUM", 0.200),
    ];

    fn router() -> Complexity {
        let tier = |(index, tier): (usize, Tier)| (tier, vec![Hop::to(["a", "b", "c", "d"][index])]);
        Complexity { tiers: TIERS.into_iter().enumerate().map(tier).collect(), ..Complexity::default() }
    }

    #[test]
    fn asks_come_to_litellms_tiers_with_its_scores() {
        let router = router();
        for (text, tier, score) in ROWS {
            let ask = Ask::saying(text);
            let (own, _) = router.score(&ask);
            assert!((own - score).abs() < 0.000_6, "{text}: {own} is not {score}");
            assert_eq!(router.tier(&ask).0.name(), *tier, "{text}");
        }
        let long = Ask::saying(&"a ".repeat(2000));
        assert!((router.score(&long).0 - 0.1).abs() < 0.000_6);
    }

    #[test]
    fn keywords_and_a_call_for_more_decide_before_the_score() {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let mut router = Complexity {
            rules: vec![(words(&["invoice"]), Tier::Simple), (words(&["contract"]), Tier::Complex)],
            ..router()
        };
        for (text, tier) in [
            ("an invoice for python code, a class and a function", Tier::Simple),
            ("an invoice and a contract", Tier::Complex),
            ("hello LITELLM ESCALATE", Tier::Medium),
            ("hello litellm escalate", Tier::Simple),
            ("a contract, LITELLM ESCALATE", Tier::Reasoning),
        ] {
            assert_eq!(router.tier(&Ask::saying(text)).0, tier, "{text}");
        }
        router.tiers.retain(|(tier, _)| *tier != Tier::Medium);
        assert_eq!(router.tier(&Ask::saying("hello LITELLM ESCALATE")).0, Tier::Complex, "the next that there is");
        router.tiers.clear();
        assert_eq!(router.tier(&Ask::saying("hello LITELLM ESCALATE")).0, Tier::Simple);
    }

    #[test]
    fn a_tier_without_models_has_the_default_then_the_middle() {
        let model = |router: &Complexity, tier, random| router.hop(tier, random).map(|hop| hop.model.clone());
        let mut router = router();
        router.tiers = vec![(Tier::Medium, vec![Hop::to("m1"), Hop::to("m2")])];
        assert_eq!(model(&router, Tier::Medium, 0).as_deref(), Some("m1"));
        assert_eq!(model(&router, Tier::Medium, u64::MAX).as_deref(), Some("m2"));
        assert_eq!(model(&router, Tier::Simple, 0).as_deref(), Some("m1"));
        router.default_model = Some(Hop::to("default"));
        assert_eq!(model(&router, Tier::Simple, 0).as_deref(), Some("default"));
        assert_eq!(router.models(), ["m1", "m2", "default"]);
        assert!(Complexity::default().hop(Tier::Simple, 0).is_none());
    }
}
