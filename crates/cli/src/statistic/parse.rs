//! Reads `mean(price), p99(price), top(user, 5)`.

use super::{Family, KNOWN, Known, Read, Statistic};

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
        .map(|number| number.parse().map_err(|_| format!("{number:?} in {text:?} is no number")))
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
    let called = |known: &&Known| known.name == name || known.alias == Some(name);
    if let Some(known) = KNOWN.iter().find(called) {
        return Ok((known, None));
    }
    let percent = name.strip_prefix('p').and_then(|digits| digits.parse::<f64>().ok());
    if let (Some(percent), Some(median)) = (percent, KNOWN.iter().find(|known| known.name == "median"))
        && (0.0..=100.0).contains(&percent)
    {
        return Ok((median, Some(percent / 100.0)));
    }
    let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
    Err(format!("{name:?} is no statistic; there are {} and percentiles such as p99", names.join(", ")))
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

fn unquoted(column: &str) -> String {
    let inside = column.strip_prefix('"').and_then(|column| column.strip_suffix('"'));
    inside.unwrap_or(column).to_owned()
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
    fn what_is_wrong_is_said() {
        for (list, words) in [
            ("mean(", "open parenthesis"),
            ("mean)", "closes"),
            ("mean,,sum", "between two commas"),
            ("variance", "population_variance"),
            ("p101", "no statistic"),
            ("corr(x)", "corr(column, column)"),
            ("histogram(x, 1, 0, 5)", "first edge"),
            ("histogram(x, 0, 1, 2.5)", "whole number"),
            ("quantile(x, 2)", "from 0 to 1"),
            ("top(x, many)", "no number"),
        ] {
            let message = parse(list).err().unwrap_or_default();
            assert!(message.contains(words), "{list}: {message}");
        }
    }
}
