//! A scratch copy on which a capture is played: sessions as an application has them, without any setting of ours.

use async_trait::async_trait;
use sqlx::PgConnection;
use switchyard_capture::{
    compare::{Answer, Outcome},
    play::{LOST, Player, Stage},
};

use super::{classify::classify, given::Given, under_load::UnderLoad};

/// Opens sessions at one copy.
///
/// No `Debug`: what it opens them with holds the password.
pub struct ScratchCopy(pub UnderLoad);

#[async_trait]
impl Stage for ScratchCopy {
    async fn open(&self) -> Result<Box<dyn Player>, String> {
        let connection = self.0.connection().await.map_err(|e| e.sentence())?;
        Ok(Box::new(One { connection, given: Given::default() }))
    }
}

struct One {
    connection: PgConnection,
    given: Given,
}

#[async_trait]
impl Player for One {
    async fn play(&mut self, text: &str, parameters: &[Option<String>]) -> Outcome {
        let mut answer = Answer::default();
        let began = std::time::Instant::now();
        let ran = self.given.run(&mut self.connection, text, parameters, Some(&mut answer)).await;
        let us = |took: std::time::Duration| u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        match ran {
            Ok(took) => Outcome { us: us(took), sqlstate: None, sentence: String::new(), answer },
            Err(error) => {
                let state = error.as_database_error().and_then(|e| e.code()).map(|code| code.into_owned());
                let is_over = state.as_deref().is_none_or(|s| s.starts_with("57P0"));
                let sqlstate = if is_over { LOST.to_owned() } else { state.unwrap_or_default() };
                let sentence = classify("running a captured statement", error).sentence();
                Outcome { us: us(began.elapsed()), sqlstate: Some(sqlstate), sentence, answer }
            }
        }
    }
}
