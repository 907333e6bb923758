//! The description of a table as one page of HTML, with a picture of each column. It needs no other file and no script.

use std::fmt::Write;

use strix_table::Value;
use strix_table::describe::{Column, Description};
use strix_train::report::escaped;

use super::columns::brief;
use crate::output::grouped;

const STYLE: &str = "\
:root{color-scheme:light dark;--bar:#2e699e;--line:#8884;--soft:#8881}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}
h1{font-size:1.4rem;margin:0;overflow-wrap:anywhere}
p.of{margin:.2rem 0 1.6rem;opacity:.75}
section{display:grid;grid-template-columns:minmax(12rem,1fr) minmax(16rem,1.4fr) minmax(16rem,1.4fr);gap:1rem 2rem;align-items:start;\
border-top:1px solid var(--line);padding:1rem 0}
h2{font-size:1.05rem;margin:0;overflow-wrap:anywhere}
small{opacity:.75}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
td{padding:.05rem .4rem;vertical-align:top}
td:last-child{text-align:right;overflow-wrap:anywhere}
.top td:first-child{width:75%}
.meter{background:var(--soft);height:.5rem;margin-top:.4rem}
.meter i{background:var(--bar);display:block;height:100%}
svg{width:100%;height:7rem;display:block}
rect{fill:var(--bar)}
.axis{display:flex;justify-content:space-between;font-size:.8rem;opacity:.75;font-variant-numeric:tabular-nums}
@media(max-width:50rem){section{grid-template-columns:1fr}}";

/// The page.
pub(crate) fn page(of: &str, description: &Description) -> String {
    let mut page = String::new();
    let title = escaped(of);
    let (rows, columns) = (grouped(description.rows), grouped(description.columns.len() as u64));
    let nan = if description.nan == 0 { String::new() } else { format!(", {} NaN left out", grouped(description.nan)) };
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n\
         <p class=\"of\">{rows} rows, {columns} columns{nan}</p>\n"
    );
    for column in &description.columns {
        section(&mut page, column, description.rows);
    }
    for note in &description.notes {
        let _ = writeln!(page, "<p><small>{}</small></p>", escaped(note));
    }
    page.push_str("</body></html>\n");
    page
}

fn section(page: &mut String, column: &Column, rows: u64) {
    let share = if rows == 0 { 0.0 } else { column.count as f64 / rows as f64 * 100.0 };
    let _ = write!(
        page,
        "<section><div><h2>{}</h2><small>{}; {} of {} present ({share:.1} %)</small>\
         <div class=\"meter\"><i style=\"width:{share:.2}%\"></i></div></div>\n<table>",
        escaped(&column.name),
        escaped(&column.kind),
        grouped(column.count),
        grouped(rows)
    );
    let statistics = [
        ("distinct", &column.distinct),
        ("mean", &column.mean),
        ("standard deviation", &column.sd),
        ("min", &column.min),
        ("25 %", &column.p25),
        ("median", &column.median),
        ("75 %", &column.p75),
        ("max", &column.max),
    ];
    for (name, value) in statistics.into_iter().filter(|(_, value)| **value != Value::Missing) {
        let _ = write!(page, "<tr><td>{name}</td><td>{}</td></tr>", escaped(&brief(value)));
    }
    page.push_str("</table>\n<div>");
    match (&column.histogram, &column.top) {
        (Value::Histogram(bins), _) => {
            let most = bins.counts.iter().copied().max().unwrap_or_default().max(1) as f64;
            let width = 100.0 / bins.counts.len() as f64;
            page.push_str("<svg viewBox=\"0 0 100 100\" preserveAspectRatio=\"none\" role=\"img\">");
            for (bin, &count) in bins.counts.iter().enumerate() {
                let height = count as f64 / most * 100.0;
                let (x, y) = (bin as f64 * width, 100.0 - height);
                let (low, high) = (brief(&bins.edges[bin].into()), brief(&bins.edges[bin + 1].into()));
                let _ = write!(
                    page,
                    "<rect x=\"{x:.3}\" y=\"{y:.2}\" width=\"{:.3}\" height=\"{height:.2}\"><title>{low} to {high}: {}</title>\
                     </rect>",
                    width * 0.92,
                    grouped(count)
                );
            }
            let ends = [0, bins.edges.len() - 1].map(|edge| brief(&bins.edges[edge].into()));
            let _ = write!(page, "</svg><div class=\"axis\"><span>{}</span><span>{}</span></div>", ends[0], ends[1]);
        }
        (_, Value::Top { values, error }) if !values.is_empty() => {
            page.push_str("<table class=\"top\">");
            for (value, count) in values {
                let share = *count as f64 / column.count.max(1) as f64 * 100.0;
                let _ = write!(
                    page,
                    "<tr><td>{}<div class=\"meter\"><i style=\"width:{:.2}%\"></i></div></td><td>{}</td></tr>",
                    escaped(&brief(value)),
                    share.min(100.0),
                    grouped(*count)
                );
            }
            page.push_str("</table>");
            if *error > 0 {
                let _ = write!(page, "<small>each came up to {} times more</small>", grouped(*error));
            }
        }
        _ => {}
    }
    page.push_str("</div></section>\n");
}
