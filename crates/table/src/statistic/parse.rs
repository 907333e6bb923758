//! Reads `mean(price), p99(price), top(user, 5)`.

use super::{Family, KNOWN, Known, Read, Statistic, aliases};

/// The statistics in a list, in its order and each once.
///
/// A name alone is a statistic of the only column. Columns with commas, parentheses or spaces at an end
/// are quoted: `mean("net, total")`.
///
/// # Errors
/// What is wrong, for a message about usage.
pub(crate) fn parse(list: &str) -> Result<Vec<Statistic>, String> {
    let mut statistics: Vec<Statistic> = Vec::new();
    for text in split(list)? {
        let statistic = parse_one(text)?;
        if !statistics.iter().any(|known| known.text == statistic.text) {
            statistics.push(statistic);
        }
    }
    Ok(statistics)
}

/// The columns in a list, quoted as in a statistic where they have commas or parentheses.
///
/// # Errors
/// As [`parse`].
pub(crate) fn columns(list: &str) -> Result<Vec<String>, String> {
    Ok(split(list)?.into_iter().map(unquoted).collect())
}

/// One statistic as it was written.
///
/// # Errors
/// As [`parse`].
pub(crate) fn parse_one(text: &str) -> Result<Statistic, String> {
    let (name, arguments) = match text.find('(') {
        None => (text, Vec::new()),
        Some(open) => {
            let inside = text[open + 1..]
                .strip_suffix(')')
                .ok_or_else(|| format!("{text:?} ends without its closing parenthesis"))?;
            (text[..open].trim_end(), split(inside)?)
        }
    };
    let (known, percentile) = find(name)?;
    let columns = match arguments.len() {
        n if n == known.columns + known.parameters.len() => known.columns,
        n if n == known.parameters.len() && known.columns == 1 => 0,
        n => {
            let parameters = known.parameters.iter().map(|p| format!(", {p}")).collect::<String>();
            let columns = ["column", "column, column"][known.columns - 1];
            return Err(format!("{text:?} has {n} arguments; it is written {name}({columns}{parameters})"));
        }
    };
    let (columns, numbers) = arguments.split_at(columns);
    let columns: Vec<String> = columns.iter().map(|column| unquoted(column)).collect();
    let numbers = numbers
        .iter()
        .map(|number| number.parse().map_err(|_| format!("{number:?} in {text:?} is not a number")))
        .collect::<Result<Vec<f64>, _>>()?;
    let (family, read) = match percentile {
        Some(q) => (Family::Quantiles, Read::Quantile(q)),
        None => (known.build)(&numbers)?,
    };
    // Without a column there are only rows to count, which need no type.
    Ok(Statistic { text: text.to_owned(), columns, family, read })
}

/// The statistic of that name, and the share that a name such as `p99` means.
fn find(name: &str) -> Result<(&'static Known, Option<f64>), String> {
    let lower = name.to_lowercase();
    let called = |known: &&Known| known.name == lower || aliases(known.name).contains(&lower.as_str());
    if let Some(known) = KNOWN.iter().find(called) {
        return Ok((known, None));
    }
    let percent = lower.strip_prefix('p').and_then(|digits| digits.parse::<f64>().ok());
    if let (Some(percent), Some(median)) = (percent, KNOWN.iter().find(|known| known.name == "median"))
        && (0.0..=100.0).contains(&percent)
    {
        return Ok((median, Some(percent / 100.0)));
    }
    let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
    let near = nearest(&lower).map(|near| format!("; did you mean {near}?")).unwrap_or_else(|| ".".into());
    Err(format!("{name:?} is not a statistic{near} There are {} and percentiles such as p99", names.join(", ")))
}

/// The known names that this one is a part of, or the one that is most like it, if any is.
fn nearest(name: &str) -> Option<String> {
    let whole: Vec<&str> = KNOWN.iter().map(|known| known.name).filter(|known| known.contains(name)).collect();
    if name.len() > 3 && !whole.is_empty() {
        return Some(whole.join(" or "));
    }
    let names = KNOWN.iter().flat_map(|known| aliases(known.name).iter().copied().chain([known.name]));
    let likeness = names.map(|known| (strsim::jaro_winkler(name, known), known));
    let (likeness, known) = likeness.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (likeness > 0.8).then(|| known.to_owned())
}

/// Cuts at the commas outside parentheses and quotes.
fn split(list: &str) -> Result<Vec<&str>, String> {
    let (mut depth, mut quoted, mut start) = (0usize, false, 0);
    let mut parts = Vec::new();
    for (at, c) in list.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth = depth.checked_sub(1).ok_or_else(|| format!("{list:?} closes more than it opens"))?;
            }
            ',' if !quoted && depth == 0 => {
                parts.push(list[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    if quoted || depth > 0 {
        return Err(format!("{list:?} has an open {}", if quoted { "quote" } else { "parenthesis" }));
    }
    parts.push(list[start..].trim());
    if parts.iter().any(|part| part.is_empty()) {
        return Err(format!("{list:?} has nothing between two commas, or at an end"));
    }
    Ok(parts)
}

/// The name that a column is written as: in quotes, a quote of the name is doubled.
fn unquoted(column: &str) -> String {
    let inside = column.strip_prefix('"').and_then(|column| column.strip_suffix('"'));
    inside.map_or_else(|| column.to_owned(), |name| name.replace("\"\"", "\""))
}

/// The name in quotes, as [`columns`] reads it again.
pub(crate) fn quoted(column: &str) -> String {
    format!("\"{}\"", column.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_where_it_should_be() {
        let list = r#"mean(price), corr(x,y),count, mean("net, (total)"), p99.9(x)"#;
        let parsed = parse(list).unwrap_or_default();
        let columns: Vec<_> = parsed.iter().map(|s| s.columns.join("|")).collect();
        assert_eq!(columns, ["price", "x|y", "", "net, (total)", "x"]);
        assert_eq!(parsed[4].read, Read::Quantile(0.9990000000000001));
    }

    #[test]
    fn names_are_those_that_people_type() {
        let named = |text: &str| parse_one(text).map(|statistic| (statistic.family, statistic.read)).ok();
        for (name, known) in
            [("AVG", "mean"), ("std", "sample_sd"), ("StdDev", "sample_sd"), ("Var", "sample_variance"), ("P99", "p99")]
        {
            assert_eq!(named(name), named(known), "{name}");
            assert!(named(name).is_some());
        }
        // Each name means one statistic.
        let mut all: Vec<&str> =
            KNOWN.iter().flat_map(|known| aliases(known.name).iter().copied().chain([known.name])).collect();
        let names = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), names);
    }

    #[test]
    fn any_column_can_be_named() {
        for column in ["a b", " x ", "net, total", "f(x)", "5\" pipe", "\"", "", "\"q\"", "größe", "a\"\"b"] {
            let statistic = parse_one(&format!("mean({})", quoted(column)));
            assert_eq!(statistic.map(|statistic| statistic.columns), Ok(vec![column.to_owned()]));
            assert_eq!(columns(&format!("x, {}", quoted(column))), Ok(vec!["x".to_owned(), column.to_owned()]));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (list, words) in [
            ("mean(", "open parenthesis"),
            ("mean)", "closes"),
            ("mean,,sum", "between two commas"),
            ("variance", "population_variance"),
            ("p101", "not a statistic"),
            ("meen(x)", "did you mean mean?"),
            ("variance(x)", "did you mean population_variance or sample_variance"),
            ("STDEV_POP(x)", "did you mean stddev_pop?"),
            ("corr(x)", "corr(column, column)"),
            ("histogram(x, 1, 0, 5)", "first edge"),
            ("histogram(x, 0, 1, 2.5)", "whole number"),
            ("quantile(x, 2)", "from 0 to 1"),
            ("top(x, many)", "not a number"),
        ] {
            let message = parse(list).err().unwrap_or_default();
            assert!(message.contains(words), "{list}: {message}");
        }
    }
}
