#[derive(serde::Deserialize, serde::Serialize)]
struct Line { at: u64, text: String }
fn main() {
    let line: Line = serde_json::from_str(r#"{"at":1,"text":"hello 42"}"#).unwrap();
    let found = regex::Regex::new(r"\d+").unwrap().find(&line.text).map(|m| m.as_str());
    println!("{} {:?}", serde_json::to_string(&line).unwrap(), found);
}
