//! Country calling codes (ITU-T E.164, list of assigned codes) by ISO 3166 two-letter country.

const TABLE: &str = include_str!("countries.txt");

/// The calling code of `country` (two letters, any case), without `+`.
pub fn calling_code(country: &str) -> Option<&'static str> {
    let wanted = country.to_ascii_uppercase();
    TABLE
        .lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(name, _)| *name == wanted)
        .map(|(_, code)| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_two_letters_and_one_to_three_digits_in_order() {
        let rows: Vec<_> = TABLE.lines().map(|line| line.split_once(' ').unwrap()).collect();
        assert!(rows.iter().all(|(name, _)| name.len() == 2 && name.bytes().all(|b| b.is_ascii_uppercase())));
        assert!(rows.iter().all(|(_, code)| (1..=3).contains(&code.len()) && code.parse::<u16>().is_ok()));
        assert!(rows.is_sorted());
        assert_eq!(calling_code("cz"), Some("420"));
        assert_eq!(calling_code("XX"), None);
    }
}
