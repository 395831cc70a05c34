//! Colours of plans. Only forms that every browser draws pass: `#rgb`, `#rrggbb` and the names of CSS. What passes
//! is in lower case. Not here: which colour looks well beside which.

/// The fill of an area that states no colour.
pub const AREA_FILL: &str = "#e5e7eb";
/// The border of an area that states no colour.
pub const AREA_BORDER: &str = "#9ca3af";
/// The letters of an area that states no colour.
pub const AREA_TEXT: &str = "#374151";

/// The colours of categories without a usable one, by their place in the plan; the colour-blind tell them apart as
/// well.
const CATEGORY_COLORS: [&str; 8] =
    ["#7b4fa3", "#c8553d", "#d99a2b", "#2f8f7b", "#4376b8", "#7a8794", "#a3476f", "#6c8a3c"];

/// The colour of the category at `index` when the plan gives none.
pub fn of_category(index: usize) -> &'static str {
    CATEGORY_COLORS[index % CATEGORY_COLORS.len()]
}

/// The colour in lower case when a browser can draw it.
pub fn keep(text: &str) -> Option<String> {
    let color = text.trim().to_ascii_lowercase();
    let valid = match color.strip_prefix('#') {
        Some(digits) => matches!(digits.len(), 3 | 6) && digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => NAMES.binary_search(&color.as_str()).is_ok(),
    };
    valid.then_some(color)
}

/// The named colours of CSS, sorted.
const NAMES: [&str; 149] = [
    "aliceblue",
    "antiquewhite",
    "aqua",
    "aquamarine",
    "azure",
    "beige",
    "bisque",
    "black",
    "blanchedalmond",
    "blue",
    "blueviolet",
    "brown",
    "burlywood",
    "cadetblue",
    "chartreuse",
    "chocolate",
    "coral",
    "cornflowerblue",
    "cornsilk",
    "crimson",
    "cyan",
    "darkblue",
    "darkcyan",
    "darkgoldenrod",
    "darkgray",
    "darkgreen",
    "darkgrey",
    "darkkhaki",
    "darkmagenta",
    "darkolivegreen",
    "darkorange",
    "darkorchid",
    "darkred",
    "darksalmon",
    "darkseagreen",
    "darkslateblue",
    "darkslategray",
    "darkslategrey",
    "darkturquoise",
    "darkviolet",
    "deeppink",
    "deepskyblue",
    "dimgray",
    "dimgrey",
    "dodgerblue",
    "firebrick",
    "floralwhite",
    "forestgreen",
    "fuchsia",
    "gainsboro",
    "ghostwhite",
    "gold",
    "goldenrod",
    "gray",
    "green",
    "greenyellow",
    "grey",
    "honeydew",
    "hotpink",
    "indianred",
    "indigo",
    "ivory",
    "khaki",
    "lavender",
    "lavenderblush",
    "lawngreen",
    "lemonchiffon",
    "lightblue",
    "lightcoral",
    "lightcyan",
    "lightgoldenrodyellow",
    "lightgray",
    "lightgreen",
    "lightgrey",
    "lightpink",
    "lightsalmon",
    "lightseagreen",
    "lightskyblue",
    "lightslategray",
    "lightslategrey",
    "lightsteelblue",
    "lightyellow",
    "lime",
    "limegreen",
    "linen",
    "magenta",
    "maroon",
    "mediumaquamarine",
    "mediumblue",
    "mediumorchid",
    "mediumpurple",
    "mediumseagreen",
    "mediumslateblue",
    "mediumspringgreen",
    "mediumturquoise",
    "mediumvioletred",
    "midnightblue",
    "mintcream",
    "mistyrose",
    "moccasin",
    "navajowhite",
    "navy",
    "oldlace",
    "olive",
    "olivedrab",
    "orange",
    "orangered",
    "orchid",
    "palegoldenrod",
    "palegreen",
    "paleturquoise",
    "palevioletred",
    "papayawhip",
    "peachpuff",
    "peru",
    "pink",
    "plum",
    "powderblue",
    "purple",
    "rebeccapurple",
    "red",
    "rosybrown",
    "royalblue",
    "saddlebrown",
    "salmon",
    "sandybrown",
    "seagreen",
    "seashell",
    "sienna",
    "silver",
    "skyblue",
    "slateblue",
    "slategray",
    "slategrey",
    "snow",
    "springgreen",
    "steelblue",
    "tan",
    "teal",
    "thistle",
    "tomato",
    "transparent",
    "turquoise",
    "violet",
    "wheat",
    "white",
    "whitesmoke",
    "yellow",
    "yellowgreen",
];

#[cfg(test)]
mod tests {
    use super::{NAMES, keep};

    #[test]
    fn only_what_a_browser_draws_is_kept() {
        assert!(NAMES.is_sorted(), "the search needs them sorted");
        for (text, kept) in [
            ("#F44336", Some("#f44336")),
            (" #eee ", Some("#eee")),
            ("Tomato", Some("tomato")),
            ("transparent", Some("transparent")),
            ("#f4433", None),
            ("#ggg", None),
            ("f44336", None),
            ("rgb(1,2,3)", None),
            ("url(x)", None),
            ("red;background:blue", None),
            ("", None),
        ] {
            assert_eq!(keep(text).as_deref(), kept, "{text:?}");
        }
    }
}
