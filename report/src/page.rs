//! The parts of a page. Each takes text, never HTML, but for charts, which are made here too.

use std::fmt::Write as _;

const STYLE: &str = include_str!("page.css");

/// A text as it may stand in a page.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A page that is being written.
pub struct Page(String);

impl Page {
    /// `language`: the tag of the language that it is in. `about`: what it is about, in a sentence.
    pub fn new(language: &str, title: &str, about: &str) -> Self {
        let (language, title, about) = (escaped(language), escaped(title), escaped(about));
        Self(format!(
            "<!doctype html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>{title}</title>\n<style>\n{STYLE}</style></head>\n<body><main>\n\
             <header><h1>{title}</h1><p class=\"about\">{about}</p></header>\n"
        ))
    }

    /// What it comes to.
    pub fn verdict(&mut self, is_good: bool, text: &str) {
        let class = if is_good { "good" } else { "bad" };
        self.write(format_args!("<p class=\"verdict {class}\">{}</p>\n", escaped(text)));
    }

    /// Numbers with their units, and what each is of.
    pub fn figures<'a>(&mut self, figures: impl IntoIterator<Item = (String, &'a str, &'a str)>) {
        self.0.push_str("<section class=\"figures\">");
        for (value, unit, about) in figures {
            self.write(format_args!(
                "<div><strong>{}</strong> <span class=\"unit\">{}</span><br>{}</div>",
                escaped(&value),
                escaped(unit),
                escaped(about)
            ));
        }
        self.0.push_str("</section>\n");
    }

    /// What `draw` gave.
    pub fn chart(&mut self, chart: &str) {
        self.0.push_str(chart);
    }

    /// The first column names its row; those of `text` are no numbers.
    pub fn table(&mut self, title: &str, heads: &[&str], rows: &[Vec<String>], text: &[usize]) {
        self.write(format_args!(
            "<section><h2>{}</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table><thead><tr>",
            escaped(title),
            escaped(title)
        ));
        let class = |column: usize| if text.contains(&column) { " class=\"text\"" } else { "" };
        for (column, head) in heads.iter().enumerate() {
            self.write(format_args!("<th scope=\"col\"{}>{}</th>", class(column), escaped(head)));
        }
        self.0.push_str("</tr></thead><tbody>\n");
        for row in rows {
            self.0.push_str("<tr>");
            for (column, cell) in row.iter().enumerate() {
                match column {
                    0 => self.write(format_args!("<th scope=\"row\">{}</th>", escaped(cell))),
                    _ => self.write(format_args!("<td{}>{}</td>", class(column), escaped(cell))),
                }
            }
            self.0.push_str("</tr>\n");
        }
        self.0.push_str("</tbody></table></div></section>\n");
    }

    /// Sentences that are good or bad, and what is said beside them.
    pub fn checks<'a>(
        &mut self,
        title: &str,
        checks: impl IntoIterator<Item = (bool, String)>,
        faults: impl IntoIterator<Item = &'a str>,
    ) {
        self.write(format_args!("<section><h2>{}</h2><ul class=\"checks\">\n", escaped(title)));
        for (is_good, text) in checks {
            let class = if is_good { "good" } else { "bad" };
            self.write(format_args!("<li class=\"{class}\">{}</li>\n", escaped(&text)));
        }
        self.0.push_str("</ul>\n");
        for fault in faults {
            self.write(format_args!("<p class=\"fault\">{}</p>\n", escaped(fault)));
        }
        self.0.push_str("</section>\n");
    }

    /// Names and what they are.
    pub fn facts(&mut self, title: &str, facts: impl IntoIterator<Item = (String, String)>) {
        self.write(format_args!("<section><h2>{}</h2><dl>", escaped(title)));
        for (name, value) in facts {
            self.write(format_args!("<dt>{}</dt><dd>{}</dd>", escaped(&name), escaped(&value)));
        }
        self.0.push_str("</dl></section>\n");
    }

    /// The whole page.
    pub fn finish(mut self) -> String {
        self.0.push_str("</main></body></html>\n");
        self.0
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        let _ = self.0.write_fmt(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_comes_in_is_text() {
        let hostile = "</title><script>\"&";
        let mut page = Page::new("en", hostile, hostile);
        page.verdict(false, hostile);
        page.figures([(hostile.to_owned(), hostile, hostile)]);
        page.table(hostile, &[hostile, hostile], &[vec![hostile.to_owned(), hostile.to_owned()]], &[1]);
        page.checks(hostile, [(true, hostile.to_owned())], [hostile]);
        page.facts(hostile, [(hostile.to_owned(), hostile.to_owned())]);
        let page = page.finish();
        assert!(!page.contains("<script") && !page.contains("\"&\""), "{page}");
        assert_eq!(page.matches("&lt;/title&gt;&lt;script&gt;&quot;&amp;").count(), 19);
        for foreign in ["http://", "https://", "url(", "@import"] {
            assert!(!page.contains(foreign), "the page has `{foreign}`");
        }
    }
}
