//! Token estimates where no vocabulary is loaded or none is public: a fitted cost for each piece.

use super::bound::upper_bound;
use super::fitted::{CL100K, Costs, FOREIGN, LENGTHS, O200K};
use super::kinds::{self, KINDS, Kind};
use super::models::Family;
use super::pretokenize::Pieces;
use super::{Encoding, Method, TokenCount};

/// Costs are in 1/64 of a token.
const UNIT: u64 = 64;

/// Estimates the tokens of a text for a family of models. Linear; never above [`upper_bound`].
///
/// ```
/// use tollgate::cost::tokens::{Method, estimate, family_of};
///
/// let count = estimate("How many tokens has this?", family_of("anthropic", "claude-sonnet-4-5"));
/// assert_eq!((count.value, count.method, count.error_percent), (7, Method::Estimated, 20));
/// ```
pub fn estimate(text: &str, family: Family) -> TokenCount {
    let row = family.row();
    let costs = match row.likeness {
        Encoding::O200kBase => &O200K,
        Encoding::Cl100kBase => &CL100K,
    };
    let mut tally = Tally::default();
    // The table was fitted on o200k's pieces, whatever it tells of.
    Pieces::new(text, Encoding::O200kBase).for_each(|piece| tally.add(piece));
    let value = tally.tokens(costs, row.percent).max(u64::from(!text.is_empty())).min(upper_bound(text, family));
    TokenCount { value, method: Method::Estimated, error_percent: row.error_percent }
}

/// How many pieces of each kind and length a text has.
struct Tally {
    pieces: [[u32; LENGTHS + 1]; KINDS],
    all: u64,
    english: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { pieces: [[0; LENGTHS + 1]; KINDS], all: 0, english: 0 }
    }
}

impl Tally {
    fn add(&mut self, piece: &str) {
        let (kind, length) = kinds::of(piece);
        self.all += 1;
        self.english += u64::from(kinds::is_english(piece));
        let Some(row) = self.pieces.get_mut(kind as usize) else { return };
        if let Some(count) = row.get_mut(length.clamp(1, LENGTHS) - 1) {
            *count = count.saturating_add(1);
        }
        if let Some(further) = row.last_mut() {
            *further = further.saturating_add(length.saturating_sub(LENGTHS) as u32);
        }
    }

    /// Latin prose without the words that English prose is full of: its words are cut into more tokens.
    fn is_foreign(&self) -> bool {
        let words = self.pieces.get(Kind::SpacedLower as usize).into_iter().flatten().take(LENGTHS);
        let words: u64 = words.map(|count| u64::from(*count)).sum();
        // Measured: English 30 %, code 14 to 30 %, Dutch 5 %, the rest of 15 languages under 1 %.
        words >= 24 && words * 10 >= self.all && self.english * 12 < words
    }

    fn tokens(&self, costs: &Costs, percent: [u64; 3]) -> u64 {
        let foreign = if self.is_foreign() { FOREIGN } else { 0 };
        let rows = costs.foreign.iter().take(foreign).chain(costs.kinds.iter().skip(foreign));
        let mut sums = [0_u64; 3];
        for (kind, (counts, costs)) in self.pieces.iter().zip(rows).enumerate() {
            let units: u64 = counts.iter().zip(costs).map(|(count, cost)| u64::from(*count) * u64::from(*cost)).sum();
            if let Some(sum) = sums.get_mut(kinds::group(kind) as usize) {
                *sum += units;
            }
        }
        let scaled: u64 = sums.iter().zip(percent).map(|(sum, percent)| sum * percent).sum();
        (scaled + UNIT * 50) / (UNIT * 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_in_many_scripts_is_near_its_count() {
        let o200k = super::super::o200k();
        for text in [
            "The gateway reads a request, picks a deployment and sends it on; when one fails it tries another.",
            "Das Gateway liest eine Anfrage, wählt eine Bereitstellung und schickt sie weiter, bis einer antwortet.",
            "Шлюз читает запрос, выбирает развертывание и отправляет его; если он не отвечает, пробует другой.",
            "网关读取请求，选择一个部署并转发；如果提供商失败，它会尝试另一个。每次调用的费用都会被记录。",
            "ゲートウェイはリクエストを読み取り、デプロイメントを選んで転送します。失敗した場合は別のものを試します。",
            "fn main() {\n    let total: u64 = items.iter().map(|item| item.price * item.count).sum();\n}\n",
        ] {
            let (exact, estimated) = (o200k.count(text), estimate(text, Family::OpenAi).value);
            let error = estimated.abs_diff(exact) * 100 / exact;
            assert!(error <= 30, "{estimated} for {exact}: {text}");
        }
    }

    #[test]
    fn newer_claude_takes_more_tokens_for_prose_but_not_for_chinese() {
        let value = |text: &str, family| estimate(text, family).value;
        let prose = "The quick brown fox jumps over the lazy dog. ".repeat(20);
        assert!(value(&prose, Family::Claude) * 100 > value(&prose, Family::Claude46) * 125);
        let chinese = "敏捷的棕色狐狸跳过了懒狗。".repeat(20);
        assert_eq!(value(&chinese, Family::Claude), value(&chinese, Family::Claude46));
    }

    #[test]
    fn nothing_is_no_token_and_one_letter_is_one_or_two() {
        for family in Family::ALL {
            assert_eq!(estimate("", family).value, 0);
            assert!((1..=2).contains(&estimate("a", family).value), "{family:?}");
        }
    }
}
