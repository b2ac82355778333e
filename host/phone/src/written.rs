//! A number as people write it, taken apart: what belongs to the number, and what is about it.
//!
//! Pure. Must never happen: digits of an extension or of a second number become digits of the number.

/// Longest extension, in digits. What is longer is a number of its own.
const EXTENSION_DIGITS_MAX: usize = 7;

/// Longest extension behind nothing but a comma or a semicolon, as phones write a pause.
const PAUSED_DIGITS_MAX: usize = 6;

/// Most digits in front of a slash that stands between area and number: country code and area, or a zero and the area.
const AREA_DIGITS_MAX: usize = 8;
const NATIONAL_AREA_DIGITS_MAX: usize = 6;

/// Fewest digits behind such a slash. Fewer are another ending of the number: `901820/21`.
const BEHIND_SLASH_DIGITS_MIN: usize = 5;

/// Most digits of a group where several slashes stand in a number, as in `06/12/34/56/78`.
const SLASHED_DIGITS_MAX: usize = 4;

/// Most digits in front of a bracket. Behind more, what stands in it is no area but an extension without a word.
const BEFORE_BRACKET_DIGITS_MAX: usize = 7;

/// How addresses of the web begin that are a number: RFC 3966, and what browsers took before it.
const SCHEMES: [&str; 4] = ["tel:", "callto:", "sms:", "fax:"];

/// Words for an extension, in small letters and without a point.
const LABELS: [&str; 43] = [
    "ext",
    "extn",
    "exten",
    "extension",
    "extensión",
    "extensao",
    "extensão",
    "ext no",
    "xt",
    "x",
    "×",
    "#",
    "~",
    "int",
    "interno",
    "interne",
    "interna",
    "anexo",
    "ramal",
    "poste",
    "post",
    "durchwahl",
    "dw",
    "nst",
    "klappe",
    "kl",
    "app",
    "apparaat",
    "toestel",
    "tst",
    "wew",
    "wewn",
    "linka",
    "lok",
    "lokal",
    "mellék",
    "dahili",
    "anknytning",
    "ankn",
    "доб",
    "добавочный",
    "вн",
    "внутр",
];

/// Words of scripts that put no blank between word and number.
const LABELS_CJK: [&str; 6] = ["内线", "內線", "内線", "分机", "分機", "내선"];

/// The number of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Digits and what stands between them, without the sign that the number is international.
    pub(crate) number: String,
    /// Whether a country code leads.
    pub(crate) is_international: bool,
    /// Whether that is said by two zeros in front, which are not in `number`, and not by a plus.
    pub(crate) by_zeros: bool,
}

impl Written {
    /// Takes a text apart; none where it is no number, or more than one.
    ///
    /// Digits may be of any script. White space, brackets, points, dashes and characters that show nothing are fine
    /// between them; a letter is not, unless it begins an extension.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|c| !is_invisible(*c)).map(plain).collect();
        let text = text.trim_matches(|c: char| c == ' ' || c == '"' || c == '\'').trim_end_matches([',', ';', ' ']);
        let (text, context) = without_address(text);
        let end = text.find(|c| !may_stand_in_a_number(c)).unwrap_or(text.len());
        let (number, behind) = text.split_at(end);
        if !is_extension(behind) {
            return None;
        }
        // What is in front of an extension ends with the bracket or the dash that leads to it.
        let number = number.trim_end_matches(|c: char| !c.is_ascii_digit() && c != ')');
        let written = Self::read(number.trim())?;
        match context {
            Some(code) if !written.is_international => Self::read(&format!("{code} {}", written.number)),
            _ => Some(written),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let first = text.find(|c: char| c.is_ascii_digit())?;
        let (before, rest) = text.split_at_checked(first)?;
        let plus = before.matches('+').count();
        if plus > 1 || rest.contains('+') || !before.chars().all(|c| "+( ".contains(c)) {
            return None;
        }
        let international = zeros(rest, 2);
        let is_international = plus == 1 || international.is_some();
        let number = international.unwrap_or(rest);
        let by_zeros = is_international && plus == 0;
        let written = Self { number: number.to_owned(), is_international, by_zeros };
        written.is_one_number().then_some(written)
    }

    /// The digits alone.
    pub(crate) fn digits(&self) -> String {
        self.number.chars().filter(char::is_ascii_digit).collect()
    }

    /// Whether no slash stands between two numbers or two endings of one, and no bracket around another ending.
    fn is_one_number(&self) -> bool {
        let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
        if self.number.rsplit_once('(').is_some_and(|(before, _)| digits(before) > BEFORE_BRACKET_DIGITS_MAX) {
            return false;
        }
        let area_max = if self.is_international { AREA_DIGITS_MAX } else { NATIONAL_AREA_DIGITS_MAX };
        self.number.split_once('/').is_none_or(|(before, behind)| {
            let groups = || behind.split('/').all(|group| digits(group) <= SLASHED_DIGITS_MAX);
            digits(before) <= area_max
                && digits(behind) >= BEHIND_SLASH_DIGITS_MIN
                && (!behind.contains('/') || groups())
        })
    }
}

/// What stands behind so many zeros at the beginning, brackets and blanks aside.
fn zeros(text: &str, count: usize) -> Option<&str> {
    (0..count).try_fold(text, |text, _| text.trim_start_matches([' ', '(', ')']).strip_prefix('0'))
}

/// The number of an address such as `tel:7911123456;phone-context=+44`, and the code that it is to be read with.
fn without_address(text: &str) -> (&str, Option<&str>) {
    let scheme = SCHEMES.iter().find_map(|scheme| {
        let (head, rest) = text.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| rest.trim_start_matches('/').trim_start())
    });
    let text = scheme.unwrap_or(text);
    let Some((number, parameters)) = text.split_once(";phone-context=") else {
        return (text, None);
    };
    let context = parameters.split(';').next().filter(|code| code.starts_with('+'));
    (number, context)
}

/// Whether this is nothing, or the words and digits of an extension.
fn is_extension(text: &str) -> bool {
    let text = text.trim();
    if text.is_empty() {
        return true;
    }
    let text = text.trim_end_matches([')', '#', ' ', '.']).trim_start_matches(['(', ' ']);
    let at = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    let (label, digits) = text.split_at(at);
    let most = match label.trim_matches([' ', '.', ':', '=', '-']) {
        "" | "," | ",," | ";" => PAUSED_DIGITS_MAX,
        label => {
            let label = label.trim_start_matches([',', ';', ' ']).to_lowercase();
            if !LABELS.iter().chain(&LABELS_CJK).any(|word| *word == label) {
                return false;
            }
            EXTENSION_DIGITS_MAX
        }
    };
    (1..=most).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits and what people put between them.
const fn may_stand_in_a_number(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, ' ' | '+' | '-' | '.' | '(' | ')' | '/')
}

/// The ASCII character that means the same: digits of all scripts, blanks, dashes, brackets and plus signs.
fn plain(c: char) -> char {
    match c {
        '[' | '\u{FF08}' => '(',
        ']' | '\u{FF09}' => ')',
        _ if c.is_ascii_whitespace() => ' ',
        _ if c.is_ascii() => c,
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30FC}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}' => '-',
        '\u{FF0B}' | '\u{FE62}' => '+',
        '\u{FF0E}' | '\u{B7}' | '\u{2022}' => '.',
        '\u{FF0F}' | '\u{2044}' | '\u{2215}' => '/',
        '\u{FF03}' => '#',
        '\u{FF0C}' => ',',
        '\u{FF1B}' => ';',
        '\u{FF1A}' => ':',
        '\u{FF58}' | '\u{FF38}' => 'x',
        '\u{FF5E}' => '~',
        _ if c.is_whitespace() => ' ',
        _ => crate::digit(c),
    }
}

/// Whether a character shows nothing, such as the marks of direction that contact books copy along.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E01EF}'
    )
}
