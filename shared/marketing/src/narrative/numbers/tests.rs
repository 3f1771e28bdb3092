use fastrand::Rng;

use super::strange_numbers;

const FACTS: &str = "Period 2026-11-16 to 2026-11-22. Sessions 1,204 (+12.5% against 1,070). Bounce rate 41.0 % (-3 points). \
                     LinkedIn: 7 posts, 18,300 impressions, engagement 0.5%. Ads: $250 spent. Best post on 2026-11-18. \
                     1,200,000 reached in Q3. Fell from -4. Two newsletters. Score 88/100.";

#[track_caller]
fn fine(text: &str) {
    assert_eq!(strange_numbers(text, FACTS), Vec::<String>::new(), "{text}");
}

#[track_caller]
fn strange(text: &str, numbers: &[&str]) {
    assert_eq!(strange_numbers(text, FACTS), numbers, "{text}");
}

#[test]
fn what_stands_in_the_facts_may_be_said() {
    fine("Sessions rose by 12.5% to 1,204, from 1070.");
    fine("Sessions rose 12.50 percent; bounce rate was 41%, down 3 points.");
    fine("Seven posts on LinkedIn, two newsletters, 2 newsletters.");
    fine("Engagement was 0.5 per cent; you spent $250, and the score is 88/100.");
    fine("You reached 1.2 million people, that is 1,200,000, in Q3.");
    fine("The score fell by 4, from -4, from −4.");
    fine("It went well. One of your posts did best, and no one left.");
    fine("");
}

#[test]
fn days_may_be_written_otherwise() {
    fine("From November 16 to November 22, 2026 all went well; 2026-11-18 was best.");
    fine("From 16 to 22 November 2026. Nov. 16–22. On the 18th of November. In November 2026. In 2026.");
    strange("On November 17 it was best.", &["November 17"]);
    strange("On December 18 it was best.", &["December 18"]);
    strange("On November 18, 2025 it was best, as in 2025.", &["November 18, 2025", "in 2025"]);
    // The parts of a day are no numbers.
    strange("You had 16 visits and 2026 fans.", &["16", "2026"]);
    strange("It was November 18.5% or November 18%.", &["18.5%", "18%"]);
}

#[test]
fn what_does_not_is_named() {
    strange("About 1,200 sessions, 12% more.", &["1,200", "12%"]);
    strange("It rose by 13.", &["13"]);
    strange("Sessions changed by -12.5% and +4.", &["-12.5%", "+4"]);
    strange("7% of posts, $7, 7x, 7k and €250.", &["7%", "$7", "7x", "7k", "€250"]);
    strange("12.5 sessions, 12,5%, 1.204 visits.", &["12.5", "12,5%", "1.204"]);
    strange("In Q4, 88 of 100.", &["Q4", "88", "100"]);
    strange("1.2 billion, 1.3 million.", &["1.2 billion", "1.3 million"]);
    strange("Between 7-8 posts.", &["8"]);
    strange("It grew by 12.5 points.", &["12.5 points"]);
}

#[test]
fn words_say_numbers_too() {
    strange("Eight posts, twenty-three likes.", &["Eight", "twenty-three"]);
    strange("Impressions doubled, twice as many, a dozen more.", &["doubled", "twice", "dozen"]);
    strange("Half of them, a third, two-thirds, a quarter of all.", &["Half", "third", "thirds", "quarter"]);
    strange("Millions saw it, a threefold rise.", &["Millions", "threefold"]);
    strange("One hundred and five fans, seven percent.", &["One hundred and five", "seven"]);
    strange("Only one newsletter.", &["one"]);
    fine("This quarter went well, and third parties noticed.");
    assert_eq!(strange_numbers("Two hundred and thirty thousand fans.", "230,000 fans"), Vec::<String>::new());
    assert_eq!(strange_numbers("It doubled.", "Visits doubled."), Vec::<String>::new());
}

#[test]
fn other_digits_are_numbers() {
    strange("It was ١٢, １２, ½, ², Ⅻ and 𝟕.", &["١٢", "１２", "½", "²", "Ⅻ", "𝟕"]);
    strange("It was 7\u{200b}0.", &["70"]);
    assert_eq!(strange_numbers("It was ½.", "½ of all"), Vec::<String>::new());
}

/// A text of letters, digits and signs in any order.
fn noise(rng: &mut Rng) -> String {
    const PARTS: [&str; 40] = [
        "1",
        "20",
        "7",
        "0",
        "1,204",
        ",",
        ".",
        ":",
        "/",
        "-",
        "–",
        "+",
        "%",
        " ",
        " ",
        " ",
        "\u{a0}",
        "$",
        "€",
        "x",
        "K",
        "Nov",
        "November",
        "2026",
        "2026-11-16",
        "in",
        "of",
        "two",
        "hundred",
        "and",
        "half",
        "twice",
        "million",
        "percent",
        "٣",
        "½",
        "é",
        "\u{200b}",
        "T07:00:00Z",
        "one",
    ];
    (0..rng.usize(0..12)).map(|_| PARTS[rng.usize(0..PARTS.len())]).collect()
}

#[test]
fn a_text_never_strays_from_itself_and_nothing_panics() {
    let mut rng = Rng::with_seed(7);
    for _ in 0..20_000 {
        let (text, facts) = (noise(&mut rng), noise(&mut rng));
        assert_eq!(strange_numbers(&text, &text), Vec::<String>::new(), "{text:?}");
        let _ = strange_numbers(&text, &facts);
    }
}

#[test]
fn any_number_is_found_wherever_it_stands_and_however_it_is_written() {
    let mut rng = Rng::with_seed(8);
    for _ in 0..5_000 {
        let number = rng.u64(3_000..100_000_000);
        let grouped = crate::text::number(usize::try_from(number).unwrap());
        let written = [number.to_string(), grouped, format!("{number}.0"), format!("{number}%"), format!("${number}")];
        let around = [("", ""), ("It was ", "."), ("(", ")"), ("“", "”, so"), ("from ", " on"), ("*", "*")];
        let ((before, after), written) = (around[rng.usize(0..around.len())], &written[rng.usize(0..written.len())]);
        let text = format!("{before}{written}{after}");
        assert_eq!(strange_numbers(&text, ""), [written.as_str()], "{text}");
        assert_eq!(strange_numbers(&text, &format!("a {written} b")), Vec::<String>::new(), "{text}");
        assert_eq!(strange_numbers(&text, &format!("a {} b", number + 1)), [written.as_str()], "{text}");
        // A digit more, or one less, is another number.
        assert_eq!(strange_numbers(&text, &format!("{number}7 and {}", number / 10)).len(), 1, "{text}");
    }
}

#[test]
fn numbers_in_words_are_as_many_as_in_digits() {
    const UNITS: [&str; 10] = ["", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let (hundreds, tens, units) = ((1..).zip(&UNITS[1..]), (2..).zip(&TENS[2..]), (1..).zip(&UNITS[1..]));
    for (hundred, hundred_word) in hundreds {
        for (ten, ten_word) in tens.clone() {
            for (unit, unit_word) in units.clone() {
                let words = format!("{hundred_word} hundred and {ten_word}-{unit_word}");
                let value: u32 = hundred * 100 + ten * 10 + unit;
                let text = format!("It brought {words} visits.");
                assert_eq!(strange_numbers(&text, &value.to_string()), Vec::<String>::new(), "{text}");
                assert_eq!(strange_numbers(&text, &(value + 1).to_string()), [words], "{text}");
            }
        }
    }
}
