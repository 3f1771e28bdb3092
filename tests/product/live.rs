//! A log that is followed.

use reqwest::{RequestBuilder, Response};
use serde_json::Value;

use crate::support::{STREAM_TIMEOUT, in_time};

/// The log, live.
pub struct Live {
    pub response: Response,
    unread: String,
}

/// An event of the log.
#[derive(Debug)]
pub struct Told {
    pub id: String,
    pub name: String,
    pub data: Value,
}

impl Live {
    /// Once this returns, whatever happens from then on is told.
    pub async fn open(request: RequestBuilder) -> Self {
        let response = request.timeout(STREAM_TIMEOUT).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, unread: String::new() }
    }

    /// The next event; none at the end of the stream.
    pub async fn next(&mut self) -> Option<Told> {
        loop {
            while let Some((block, rest)) = self.unread.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.unread = rest;
                let field =
                    |name: &str| block.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()));
                if let (Some(id), Some(name), Some(data)) = (field("id:"), field("event:"), field("data:")) {
                    return Some(Told { id, name, data: serde_json::from_str(&data).unwrap() });
                }
            }
            let chunk = in_time("an event or the end", self.response.chunk()).await.unwrap()?;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}
