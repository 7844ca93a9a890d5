//! Strategies: which of several deployments is picked.

use super::Candidate;

/// `simple-shuffle`, LiteLLM's default: weighted by `weight`, else `rpm`, else `tpm`; without any, all alike.
///
/// `choices` are indices into `candidates`; `random` is uniform over all of `u64`. The first metric that a choice has with
/// a value above zero counts for all; a choice without it is never picked, unless no choice has it. `None` when there is
/// no choice.
pub fn shuffle(candidates: &[Candidate], choices: &[usize], random: u64) -> Option<usize> {
    type Metric = fn(&Candidate) -> Option<f64>;
    let metrics: [Metric; 3] = [
        |candidate| candidate.weight,
        |candidate| candidate.rpm.map(|rpm| rpm as f64),
        |candidate| candidate.tpm.map(|tpm| tpm as f64),
    ];
    // 53 bits fill a float in [0, 1) exactly.
    let point = (random >> 11) as f64 / (1_u64 << 53) as f64;
    for metric in metrics {
        let weight =
            |choice: &usize| candidates.get(*choice).and_then(metric).filter(|weight| *weight > 0.0).unwrap_or(0.0);
        let total: f64 = choices.iter().map(weight).sum();
        if total > 0.0 {
            let mut left = point * total;
            for choice in choices {
                left -= weight(choice);
                if left < 0.0 {
                    return Some(*choice);
                }
            }
            return choices.iter().rev().find(|choice| weight(choice) > 0.0).copied();
        }
    }
    let at = (point * choices.len() as f64) as usize;
    choices.get(at.min(choices.len().saturating_sub(1))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(candidates: &[Candidate]) -> Vec<u32> {
        let choices: Vec<usize> = (0..candidates.len()).collect();
        let mut counts = vec![0; candidates.len()];
        for step in 0..1000_u64 {
            let random = step * (u64::MAX / 1000) + u64::MAX / 2000;
            counts[shuffle(candidates, &choices, random).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn weights_come_before_rpm_and_rpm_before_tpm() {
        let plain = Candidate::default();
        let weighted = |weight| Candidate { weight: Some(weight), rpm: Some(1), ..plain.clone() };
        assert_eq!(counts(&[weighted(3.0), weighted(1.0), plain.clone()]), [750, 250, 0]);
        let rpm = |rpm| Candidate { rpm: Some(rpm), tpm: Some(1), ..plain.clone() };
        assert_eq!(counts(&[rpm(900), rpm(100)]), [900, 100]);
        let tpm = |tpm| Candidate { tpm: Some(tpm), ..plain.clone() };
        assert_eq!(counts(&[tpm(1), tpm(1)]), [500, 500]);
        assert_eq!(counts(&[plain.clone(), plain.clone(), plain.clone(), plain.clone()]), [250; 4]);
        assert_eq!(counts(&[weighted(0.0), weighted(0.0)]), [500, 500], "no weight above zero: rpm counts");
    }

    #[test]
    fn the_ends_of_the_range_are_safe() {
        let one = [Candidate { weight: Some(0.1), ..Candidate::default() }];
        assert_eq!(shuffle(&one, &[0], u64::MAX), Some(0));
        assert_eq!(shuffle(&one, &[0], 0), Some(0));
        assert_eq!(shuffle(&one, &[], 7), None);
        assert_eq!(shuffle(&[Candidate::default()], &[0], u64::MAX), Some(0));
    }
}
