//! The few statistics the tables need.

/// Median, least and greatest of some samples.
#[derive(Clone, Copy)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

/// The spread of samples; `None` without any.
pub fn spread(samples: impl IntoIterator<Item = f64>) -> Option<Spread> {
    let mut sorted: Vec<f64> = samples.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let (&min, &max) = (sorted.first()?, sorted.last()?);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    };
    Some(Spread { median, min, max })
}

/// The median of `a / b` over the rounds that both have.
pub fn paired_ratio(a: &[f64], b: &[f64]) -> Option<f64> {
    median(a.iter().zip(b).filter(|(_, b)| **b > 0.0).map(|(a, b)| a / b))
}

/// The median of `a - b` over the rounds that both have.
pub fn paired_difference(a: &[f64], b: &[f64]) -> Option<f64> {
    median(a.iter().zip(b).map(|(a, b)| a - b))
}

/// The median alone.
pub fn median(samples: impl IntoIterator<Item = f64>) -> Option<f64> {
    spread(samples).map(|spread| spread.median)
}

#[cfg(test)]
mod tests {
    use super::{median, paired_ratio};

    #[test]
    fn an_even_count_takes_the_middle_of_two() {
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([]), None);
    }

    #[test]
    fn ratios_are_formed_within_rounds() {
        assert_eq!(paired_ratio(&[2.0, 20.0, 9.0], &[1.0, 10.0]), Some(2.0));
    }
}
