//! Bounds of what a client may send. A server reads nothing that is larger.

/// Bytes of one websocket frame from a client: the longest sensible request, a JWT in `hello`, takes a quarter.
pub const FRAME_BYTES_MAX: usize = 16 * 1024;

/// Frames of one message. A client that sends in pieces needs a few; without a bound, empty ones would have no end.
pub const FRAGMENTS_MAX: usize = 64;

/// Bytes of one HTTP body from a client: the same requests come in through both doors.
pub const BODY_BYTES_MAX: usize = FRAME_BYTES_MAX;

/// Bytes of a request's `id` when it is a string. It is echoed, so it must stay small beside any answer.
pub const REQUEST_ID_BYTES_MAX: usize = 64;

/// Characters of a `request_id`: a UUID or a hash fits with room to spare, and so does an index entry.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 128;

/// Seats named in one request. Far above any sale's own limit, whose refusal is the clearer one.
pub const SEATS_NAMED_MAX: usize = 100;

/// Seats asked for in one `hold_best`; as with `SEATS_NAMED_MAX`, the sale's own limit lies below.
pub const HOLD_BEST_COUNT_MAX: u32 = 100;

/// Lines of the operators' log in one answer.
pub const LOG_ENTRIES_MAX: u32 = 200;

/// Lines of the operators' log in one answer, unless it is said how many.
pub const LOG_ENTRIES_DEFAULT: u32 = 50;

/// Orders of one page of those that an operator looks for, and how many come when nobody says.
pub const ORDERS_FOUND_MAX: u32 = 100;
pub const ORDERS_FOUND_DEFAULT: u32 = 20;

/// Users of a name that an operator looks for: more than those, and the name is written on.
pub const USERS_FOUND_MAX: u32 = 20;

/// Events of an order's life in one answer.
pub const ORDER_EVENTS_MAX: usize = 500;
/// Alarms that are over in one answer, and how many come when nobody says.
pub const ALARMS_PAST_MAX: u32 = 200;
pub const ALARMS_PAST_DEFAULT: u32 = 50;

/// Messages to a webhook in one answer, and how many come when nobody says.
pub const DELIVERIES_MAX: u32 = 200;
pub const DELIVERIES_DEFAULT: u32 = 50;

/// Entries of one page of the wallet's history, and how many come when nobody says.
pub const HISTORY_ENTRIES_MAX: u32 = 200;
pub const HISTORY_ENTRIES_DEFAULT: u32 = 50;

/// Characters of a category's name in a request.
pub const CATEGORY_CHARS_MAX: usize = 200;

/// Characters of a guest's name.
pub const USER_NAME_CHARS_MAX: usize = 100;

/// Passkeys of one operator: a phone, a laptop and a few keys in drawers.
pub const PASSKEYS_MAX: usize = 10;

/// The characters of an operator's name: as many as of a user's.
pub const OPERATOR_NAME_CHARS_MAX: usize = USER_NAME_CHARS_MAX;

/// Characters of an operator's message to the fans of a sale: it goes to every one of them.
pub const SALE_MESSAGE_CHARS_MAX: usize = 500;

/// Characters of a note that an operator leaves with a change, for the other operators.
pub const NOTE_CHARS_MAX: usize = 500;

/// Characters of a concert's title.
pub const TITLE_CHARS_MAX: usize = 200;

/// Characters of a text on a concert's page that has lines: some four printed pages.
pub const ABOUT_TEXT_CHARS_MAX: usize = 10_000;

/// Characters of a text on a concert's page that is one line, such as an address.
pub const ABOUT_LINE_CHARS_MAX: usize = 500;

/// Languages that a concert's page may speak besides its own.
pub const ABOUT_LANGUAGES_MAX: usize = 8;

/// Bytes of all that a concert's page says, as it is kept: a column of 64 KiB takes it, with room to spare.
pub const ABOUT_BYTES_MAX: usize = 48 * 1024;

/// Characters of a web address.
pub const URL_CHARS_MAX: usize = 2_000;

/// Bytes of what is entered of a draft at once: everything on its page, escaped, and prices for all categories.
pub const DRAFT_BODY_BYTES_MAX: usize = 256 * 1024;

/// Bytes of a seating plan that is uploaded; the largest stadiums have some 20 MiB.
pub const PLAN_BODY_BYTES_MAX: usize = 24 * 1024 * 1024;

/// Bytes of a picture that is uploaded: what cameras and phones make.
pub const PICTURE_BODY_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Performances of one concert: an evening each for a year.
pub const PERFORMANCES_MAX: usize = 366;

/// Categories that a draft may have prices for: as many as a plan may have.
pub const PRICES_MAX: usize = 1_000;

/// Fans admitted at once to one sale.
pub const CAPACITY_MAX: u32 = 1_000_000;

/// Buyers of one rehearsal: each has a socket at both ends, in a process that serves fans meanwhile.
pub const REHEARSAL_BUYERS_MAX: u32 = 2_000;

/// The seconds that a rehearsal may take: it is a look at a night, and not the night.
pub const REHEARSAL_SECONDS_MAX: u32 = 1_800;

/// The milliseconds for which a buyer may think.
pub const REHEARSAL_THINK_MS_MAX: u32 = 60_000;

/// Seats that one reservation may be allowed to have.
pub const SEATS_PER_RESERVATION_MAX: u32 = 20;

/// Seats of one sale that one user may be allowed to have, if there is a limit: beyond that it is none.
pub const SEATS_PER_USER_MAX: u32 = 10_000;

/// Milliseconds of the longest duration that a setting takes: a leap year.
pub const DURATION_MILLIS_MAX: u64 = 366 * 24 * 60 * 60 * 1000;

/// The largest amount of money, in the currency's minor unit: 2^53 − 1, which every JSON reader keeps whole.
pub const MONEY_MAX: i64 = (1 << 53) - 1;

/// The price of a seat: the dearest seats of the largest reservation still add up to money.
pub const PRICE_MAX: i64 = MONEY_MAX / SEATS_PER_RESERVATION_MAX as i64;

const _: () = assert!(HISTORY_ENTRIES_DEFAULT <= HISTORY_ENTRIES_MAX);
const _: () = assert!(SEATS_PER_RESERVATION_MAX as usize <= SEATS_NAMED_MAX);
const _: () = assert!(SEATS_PER_RESERVATION_MAX <= HOLD_BEST_COUNT_MAX);
const _: () = assert!(SEATS_PER_RESERVATION_MAX <= SEATS_PER_USER_MAX);
// A full list of the longest seat numbers still fits into a frame.
const _: () = assert!(SEATS_NAMED_MAX * "4294967295,".len() < FRAME_BYTES_MAX / 2);

/// Has this character no place in a name, a title or a message? Terminals and pages obey such characters instead of
/// showing them: they move the cursor, break lines, or turn the direction of what follows.
pub fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Does nothing of this text show? White space, and characters that take no place or draw nothing: a name made of them
/// alone looks like none.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || is_control(c)
            || matches!(c,
                '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
                | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fff8}'
                | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
                // Letters that draw nothing: fillers of Hangul and Khmer, and the empty Braille pattern.
                | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}')
    })
}
