//! `traffic_split`: a share of the requests for each variant, and the same variant for who came before.

/// Variants with their weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Split {
    /// What the same variant is kept for: `user`, or a header's name.
    pub sticky: Option<String>,
    /// The variants.
    pub variants: Vec<Variant>,
}

/// A variant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variant {
    /// Its name in headers and the spend log.
    pub name: String,
    /// Its model group.
    pub model: String,
    /// Its share, against the others' weights.
    pub weight: f64,
}

impl Split {
    /// The variant of a request: by `key` where there is one, the same each time while the weights stay; else by chance.
    /// `None` where no weight is above zero.
    pub fn choose(&self, name: &str, key: Option<&str>, random: u64) -> Option<&Variant> {
        let total: f64 = self.variants.iter().map(|variant| variant.weight).sum();
        let number = key.map_or(random, |key| hash(name, key));
        // 53 bits fill a float in [0, 1) exactly.
        let mut left = (number >> 11) as f64 / (1_u64 << 53) as f64 * total;
        let mut last = None;
        for variant in self.variants.iter().filter(|variant| variant.weight > 0.0) {
            left -= variant.weight;
            last = Some(variant);
            if left < 0.0 {
                break;
            }
        }
        last
    }
}

/// A number that is the same for a name and a key on every machine and in every version: FNV-1a, mixed so that keys that
/// are counted on fall everywhere.
fn hash(name: &str, key: &str) -> u64 {
    let bytes = name.bytes().chain([0]).chain(key.bytes());
    let mut hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    for factor in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(weights: &[f64]) -> Split {
        let variant =
            |(index, weight): (usize, &f64)| Variant { name: index.to_string(), weight: *weight, ..Variant::default() };
        Split { sticky: None, variants: weights.iter().enumerate().map(variant).collect() }
    }

    fn counts(split: &Split, number: impl Fn(u64) -> (Option<String>, u64)) -> Vec<u32> {
        let mut counts = vec![0; split.variants.len()];
        for step in 0..10_000 {
            let (key, random) = number(step);
            let chosen = split.choose("chat", key.as_deref(), random).unwrap();
            counts[chosen.name.parse::<usize>().unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn shares_follow_the_weights() {
        let split = split(&[9.0, 1.0, 0.0]);
        assert_eq!(counts(&split, |step| (None, step * (u64::MAX / 10_000))), [9000, 1000, 0]);
        let by_key = counts(&split, |step| (Some(format!("user-{step}")), 0));
        assert!((900..1100).contains(&by_key[1]), "keys that are counted on fall everywhere: {by_key:?}");
        assert_eq!(split.choose("chat", None, u64::MAX).unwrap().name, "1");
        assert_eq!(Split::default().choose("chat", None, 0), None);
    }

    #[test]
    fn a_key_keeps_its_variant() {
        // The hash is a promise: another one would move every user of an experiment.
        assert_eq!(hash("chat", "user-1"), 0xfadc_0278_e96a_ba7f);
        let split = split(&[1.0, 1.0]);
        for user in 0..100 {
            let key = format!("user-{user}");
            let first = split.choose("chat", Some(&key), 0);
            assert_eq!(split.choose("chat", Some(&key), u64::MAX), first);
        }
    }
}
